"""The HTTP door of custody: writing, reading, and the log itself."""

from services.custody.api import reading, records, tlog

routers = (records.router, reading.router, tlog.router)
