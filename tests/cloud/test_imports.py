"""Google's libraries load in parts where that is safe, and whole where it is not."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wayout.cloud import lazy

Library = Callable[[str], ModuleType]

FIRST_CALL = """
import sys
from wayout.cloud.clients import Clients
from wayout.cloud.settings import Settings
clients = Clients(Settings(project="p", token="x"))
clients.jobs, clients.firewalls
print("\\n".join(sys.modules))
"""
OFFERS = """
import importlib, json, sys
from wayout.cloud import lazy
if sys.argv[1] == "in parts":
    lazy.install()
found = {}
for name in lazy.LIBRARIES:
    library = importlib.import_module(name)
    names = [one for one in dir(library) if not one.startswith("_")]
    found[name] = {one: str(getattr(library, one)) for one in names}
print(json.dumps(found))
"""
FIT = """
__lazy_modules__ = {"fake_library.cats", "fake_library.types.dogs"}
from fake_library import always
from .cats import Cat, Cat as Kitten
from .types.dogs import (Dog,)
__all__ = ("Cat", "Dog")
legs = len("four")
"""
MEMBERS = {
    "always.py": "here = True",
    "cats.py": "class Cat:\n    lives = 9",
    "types/__init__.py": "from .dogs import Dog",
    "types/dogs.py": "class Dog:\n    pass",
}
UNFIT = {
    "says nothing of lazy modules": (FIT.partition("\n")[2].partition("\n")[2], "declares no lazy modules"),
    "needs a lazy name at once": (FIT + "lives = Cat.lives", "has no attribute 'lives'"),
    "derives from a lazy class": (FIT + "class Lion(Cat): pass", "takes 3 positional arguments"),
    "registers a lazy class": (FIT + "registry = {'cat': Cat}", "keeps Cat"),
    "has a function that uses one": (FIT + "def born():\n    return Cat()", "its functions use Cat"),
    "is lazy in its own way": (FIT + "def __getattr__(name):\n    raise AttributeError(name)", "of its own"),
}


def run(script: str, *words: str) -> str:
    words = (sys.executable, "-c", script, *words)
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Imports a package of ours that has this text, in parts if possible."""

    def load(text: str) -> ModuleType:
        for name, member in {**MEMBERS, "__init__.py": text}.items():
            (tmp_path / "fake_library" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "fake_library" / name).write_text(member)
        importlib.invalidate_caches()
        return importlib.import_module("fake_library")

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [one for one in sys.meta_path if type(one) is not lazy._Finder])
    lazy.install(["fake_library"])
    yield load
    for name in [name for name in sys.modules if name.startswith("fake_library")]:
        del sys.modules[name]


def loaded() -> set[str]:
    return {name.removeprefix("fake_library.") for name in sys.modules if name.startswith("fake_library.")}


def test_a_call_loads_only_the_services_that_it_needs() -> None:
    said = run(FIRST_CALL).splitlines()
    assert {"google.cloud.run_v2.services.jobs", "google.cloud.compute_v1.services.firewalls"} <= set(said)
    assert not {"google.cloud.run_v2.services.builds", "google.cloud.compute_v1.services.instances"} & set(said)
    assert not [line for line in said if "loaded whole" in line], "a library has changed: see wayout.cloud.lazy"


def test_a_library_in_parts_offers_all_that_it_offers_whole() -> None:
    whole, parts = (json.loads(run(OFFERS, how)) for how in ("whole", "in parts"))
    assert len(whole["google.cloud.compute_v1"]) > 1000
    assert parts == whole


def test_what_is_lazy_is_loaded_when_it_is_asked_for(library: Library) -> None:
    found: Any = library(FIT)
    assert loaded() == {"always"}
    assert found.legs == 4
    assert found.Kitten.lives == 9
    assert loaded() == {"always", "cats"}
    assert found.Cat is found.Kitten
    assert {"Cat", "Kitten", "Dog", "types", "always", "legs"} <= set(dir(found))


def test_a_subpackage_of_lazy_modules_is_there_without_having_been_imported(library: Library) -> None:
    found: Any = library(FIT)
    assert found.types.Dog is found.Dog


def test_everything_can_be_imported_at_once(library: Library) -> None:
    library(FIT)
    space: dict[str, Any] = {}
    exec("from fake_library import *", space)  # noqa: S102 - only a module may say so
    assert {"Cat", "Dog"} <= space.keys()


def test_what_is_not_there_is_missed_in_the_usual_words(library: Library) -> None:
    found: Any = library(FIT)
    with pytest.raises(AttributeError, match="module 'fake_library' has no attribute 'Cow'"):
        _ = found.Cow
    with pytest.raises(ImportError, match="cannot import name 'Cow'"):
        exec("from fake_library import Cow")  # noqa: S102 - what it raises is the point


def test_threads_that_ask_at_once_get_the_same(library: Library) -> None:
    found: Any = library(FIT)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: id(found.Dog), range(64)))) == 1


def test_a_library_in_parts_is_left_with_its_own_loader(library: Library) -> None:
    found = library(FIT)
    assert found.__spec__
    assert found.__loader__ is found.__spec__.loader
    assert type(found.__loader__).__name__ == "SourceFileLoader"


@pytest.mark.parametrize(("text", "why"), UNFIT.values(), ids=UNFIT)
def test_a_library_that_cannot_be_loaded_in_parts_is_loaded_whole_and_the_log_says_why(
    library: Library, text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found: Any = library(text)
    assert {"cats", "types.dogs"} <= loaded()
    assert {"Cat", "Kitten", "Dog", "legs"} <= vars(found).keys()
    assert found.Cat().lives == 9
    said = json.loads(capsys.readouterr().out)
    assert (said["severity"], said["library"]) == ("WARNING", "fake_library")
    assert why in said["why"]


def test_a_library_that_is_broken_raises_what_it_always_raises(library: Library) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"fake_library\.nowhere"):
        library(FIT + "import fake_library.nowhere")


def test_asking_twice_installs_once() -> None:
    lazy.install()
    lazy.install()
    assert len([one for one in sys.meta_path if type(one) is lazy._Finder]) == 1
