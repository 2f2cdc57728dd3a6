"""The process that keeps the demo's server up (`--keep`): it starts it, says where it is, and waits for its own end."""

import json
import signal
import sys
from types import FrameType
from typing import Never

from pgadvisor.demo.server import passing_server
from pgadvisor.errors import EmbeddedServerError


def main() -> None:
    """Writes one line of JSON, `dsn` or `error`; then ends at SIGTERM or SIGINT, and takes the server with it."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        with passing_server() as server:
            _say({"dsn": server.dsn()})
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return
    except EmbeddedServerError as error:
        _say({"error": str(error)})


def _say(answer: dict[str, str]) -> None:
    json.dump(answer, sys.stdout)
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdout.close()


def _interrupted(number: int, frame: FrameType | None) -> Never:
    """SIGTERM ends it as Ctrl-C does, through the `with`."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
