"""Cloud Run: v2 jobs, executions and their operations, the same jobs in v1, and who may invoke a service.

Importing this registers the handlers.
"""

import localcloud.run.executions
import localcloud.run.executions_v1
import localcloud.run.jobs
import localcloud.run.jobs_v1
import localcloud.run.services  # noqa: F401
