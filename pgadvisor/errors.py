"""The errors a person may see: each says what failed, on what, and the next step."""


class PgAdvisorError(Exception):
    """The work could not be done; the text is one clear sentence with the next step."""


class ServerError(PgAdvisorError):
    """The server could not be reached, refused us, or is one we cannot read."""


class SnapshotError(PgAdvisorError):
    """A snapshot file is damaged, too new, or not a snapshot."""


class UsageError(PgAdvisorError):
    """What was asked for makes no sense: a missing file, a bad option, an unwritable output."""


class EmbeddedServerError(PgAdvisorError):
    """The embedded server could not be started."""


class WhatIfError(PgAdvisorError):
    """What was supposed cannot be planned: an index that cannot be made, or is not there."""
