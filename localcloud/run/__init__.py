"""Cloud Run v2: jobs, executions and their operations. Importing this registers the handlers.

Switches (what is assumed about Google, and its default): `run.etag_refusal` "ABORTED" or "FAILED_PRECONDITION";
`run.tokens_returned` True; `run.checks_connector` True; `run.allowed_vpc_egress` None, or the values that the
organisation policy constraints/run.allowedVPCEgress allows; `run.audit_entries` 2 or 1.
"""

import localcloud.run.executions
import localcloud.run.jobs  # noqa: F401
