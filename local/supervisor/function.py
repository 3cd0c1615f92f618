"""Runs one deployment under the real functions-framework, as a process that dies with the supervisor.

`python -m local.supervisor.function ROOT TARGET SOURCE PORT`. All that the command line tool of the framework does
happens here too, gunicorn included; its worker is told to die with its master.
"""

import os
import sys

from local.process import die_with_parent


def main() -> None:
    """Serve until the master gets a signal."""
    root, target, source, port = sys.argv[1:]
    die_with_parent()
    os.register_at_fork(after_in_child=die_with_parent)
    # Only the product's own tree is importable, as in a bundle.
    sys.path[0] = root
    from functions_framework._cli import _cli

    _cli(["--target", target, "--source", source, "--signature-type", "http", "--host", "127.0.0.1", "--port", port])


if __name__ == "__main__":
    main()
