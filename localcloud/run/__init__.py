"""Cloud Run: v2 jobs, executions and their operations, the same jobs in v1, and who may invoke a service.

Importing this registers the handlers.

Switches (what is assumed about Google, and its default): `run.etag_refusal` "ABORTED" or "FAILED_PRECONDITION";
`run.tokens_returned` True; `run.checks_connector` True; `run.allowed_vpc_egress` None, or the values that the
organisation policy constraints/run.allowedVPCEgress allows; `run.audit_entries` 2 or 1 (of v2's writes);
`run.missing_images` None, or the images that are not there; `run.replace_logged_as` "ReplaceJob" or "UpdateJob".
"""

import localcloud.run.executions
import localcloud.run.executions_v1
import localcloud.run.jobs
import localcloud.run.jobs_v1
import localcloud.run.services  # noqa: F401
