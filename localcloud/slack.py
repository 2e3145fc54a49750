"""A double of Slack's Web API: takes a bot's messages, keeps them, and can be down or ask for patience."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localcloud.calls import Document
from localcloud.core import Cloud

# docs.slack.dev: Block Kit reference
MAX_BLOCKS = 50
MAX_SECTION = 3000
MAX_TEXT = 40_000
READING = ("channels:read", "groups:read", "mpim:read", "im:read")  # either of them, by the kind of channel
MODES = ("ok", "down", "limited")


@dataclass
class Message:
    """One message as its channel shows it now. `edits` counts its updates."""

    channel: str
    ts: str
    text: str
    blocks: list[Document] = field(default_factory=list)
    thread_ts: str = ""
    edits: int = 0

    def document(self) -> Document:
        """As chat.postMessage answers with it."""
        found: Document = {"type": "message", "ts": self.ts, "text": self.text, "bot_id": "B0LOCAL", "user": "U0LOCAL"}
        found |= {"blocks": self.blocks} if self.blocks else {}
        return found | ({"thread_ts": self.thread_ts} if self.thread_ts else {})


@dataclass
class Channel:
    """A channel as conversations.info shows it to the app."""

    id: str
    name: str
    member: bool = True
    archived: bool = False
    private: bool = False

    def document(self) -> Document:
        """What Slack's page on conversations.info shows, of what an app asks for."""
        kinds = {"is_channel": not self.private, "is_group": self.private, "is_im": False, "is_mpim": False}
        states = {"is_private": self.private, "is_archived": self.archived, "is_member": self.member}
        return {"id": self.id, "name": self.name, "name_normalized": self.name, **kinds, **states}


class Refusal(Exception):  # noqa: N818 - Slack's errors are words, not exceptions
    """Slack's `ok: false`, with its word for it, and what else it says."""

    def __init__(self, word: str, **more: str) -> None:
        super().__init__(word)
        self.more = more


class Slack:
    """The workspace. In mode `limited` the next `limited` requests are answered with 429.

    Any channel takes messages, but those of `channels` as they stand. `scopes` are those of every token.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.mode = "ok"
        self.limited = 0
        self.retry_after = 1
        self.messages: list[Message] = []
        self.channels = {"C0EGRESS": Channel("C0EGRESS", "egress")}
        self.scopes = ["chat:write", "channels:read", "groups:read"]
        self.requests = 0

    def call(self, method: str, authorization: str, given: Document) -> tuple[int, Document, dict[str, str]]:
        """Answer one request: status, body, headers."""
        with self._cloud.clock.request(), self._cloud.lock:
            self.requests += 1
            if self.mode == "down":
                return 503, {}, {}
            if self.mode == "limited" and self.limited > 0:
                self.limited -= 1
                return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(self.retry_after)}
            try:
                body = {"ok": True, **self._answer(method, _token(authorization, given), given)}
            except Refusal as refusal:
                body = {"ok": False, "error": str(refusal), **refusal.more}
            return 200, body, {"X-OAuth-Scopes": ",".join(self.scopes)}

    def _answer(self, method: str, token: str, given: Document) -> Document:
        if not token:
            raise Refusal("not_authed")
        if not token.startswith("xoxb-") or len(token) < 6:
            raise Refusal("invalid_auth")
        if method == "auth.test":
            return {
                "url": "https://local.slack.com/",
                "team": "Local",
                "user": "wayout",
                "team_id": "T0LOCAL",
                "user_id": "U0LOCAL",
                "bot_id": "B0LOCAL",
            }
        if method == "conversations.info":
            return {"channel": self._info(str(given.get("channel") or "")).document()}
        if method == "chat.postMessage":
            return self._post(given)
        if method == "chat.update":
            return self._update(given)
        raise Refusal("unknown_method")

    def _info(self, id_: str) -> Channel:
        """By id only. A private channel is shown to whoever is in it, with a scope of its own."""
        may = set(READING) & set(self.scopes)
        if not may:
            raise Refusal("missing_scope", needed=",".join(READING), provided=",".join(self.scopes))
        found = self.channels.get(id_)
        if found is None or (found.private and not (found.member and "groups:read" in may)):
            raise Refusal("channel_not_found")
        if not found.private and "channels:read" not in may:
            raise Refusal("missing_scope", needed="channels:read", provided=",".join(self.scopes))
        return found

    def _admit(self, channel: str) -> None:
        """Refuse a post to a channel that stands otherwise than open."""
        for one in self.channels.values():
            if channel in (one.id, f"#{one.name}"):
                if one.archived:
                    raise Refusal("is_archived")
                if not one.member and (one.private or "chat:write.public" not in self.scopes):
                    raise Refusal("channel_not_found" if one.private else "not_in_channel")

    def _post(self, given: Document) -> Document:
        channel = str(given.get("channel") or "")
        if not channel:
            raise Refusal("channel_not_found")
        if "chat:write" not in self.scopes:
            raise Refusal("missing_scope", needed="chat:write:bot", provided=",".join(self.scopes))
        self._admit(channel)
        text, blocks = _content(given)
        moment = int(self._cloud.clock.now().timestamp())
        message = Message(channel, f"{moment}.{len(self.messages) + 1:06d}", text, blocks)
        message.thread_ts = str(given.get("thread_ts") or "")
        self.messages.append(message)
        return {"channel": channel, "ts": message.ts, "message": message.document()}

    def _update(self, given: Document) -> Document:
        for message in self.messages:
            if (message.channel, message.ts) == (given.get("channel"), given.get("ts")):
                message.text, message.blocks = _content(given)
                message.edits += 1
                return {
                    "channel": message.channel,
                    "ts": message.ts,
                    "text": message.text,
                    "message": message.document(),
                }
        raise Refusal("message_not_found")


def _token(authorization: str, given: Document) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else str(given.get("token") or "")


def _content(given: Document) -> tuple[str, list[Document]]:
    """Text and blocks; blocks come as a list, or in a form as JSON text."""
    text, blocks = str(given.get("text") or ""), given.get("blocks") or []
    if isinstance(blocks, str):
        try:
            blocks = json.loads(blocks)
        except ValueError:
            raise Refusal("invalid_blocks_format") from None
    if not text and not blocks:
        raise Refusal("no_text")
    if len(text) > MAX_TEXT:
        raise Refusal("msg_too_long")
    if not isinstance(blocks, list) or len(blocks) > MAX_BLOCKS or not all(map(_fits, blocks)):
        raise Refusal("invalid_blocks")
    return text, blocks


def _fits(block: Any) -> bool:
    if not isinstance(block, dict) or not block.get("type"):
        return False
    if block["type"] == "header":
        return 0 < len(_text(block.get("text"))) <= 150
    if block["type"] != "section":
        return True
    fields = block.get("fields") or []
    text = _text(block.get("text"))
    if (not text and not fields) or len(text) > MAX_SECTION:
        return False
    return len(fields) <= 10 and all(0 < len(_text(one)) <= 2000 for one in fields)


def _text(node: Any) -> str:
    return str(node.get("text") or "") if isinstance(node, dict) else ""


def route(cloud: Cloud) -> Route:
    """Where the Web API is: `/slack/api/METHOD`, JSON or a form, GET or POST, as slack_sdk sends them."""

    async def serve(request: Request) -> Response:
        given = _given(request, await request.body())
        slack = cloud.part(Slack)
        method, who = request.path_params["method"], request.headers.get("authorization", "")
        status, body, headers = await run_in_threadpool(slack.call, method, who, given)
        return JSONResponse(body, status, headers) if body else Response("Service Unavailable", status)

    return Route("/slack/api/{method}", serve, methods=["GET", "POST"])


def _given(request: Request, body: bytes) -> Document:
    given: Document = dict(request.query_params)
    if "json" not in request.headers.get("content-type", ""):
        return given | dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    try:
        found = json.loads(body)
    except ValueError:
        return given
    return given | found if isinstance(found, dict) else given
