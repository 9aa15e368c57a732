"""The command line: `raresim`."""

from __future__ import annotations

import os
import sys

from raresim.errors import CheckError, RaresimError, StoppedError


def main() -> None:
    """Run the command line; exit code 0 done, 1 a check failed, 2 wrong input, 130 stopped."""
    # one thread in each process: workers are the only parallelism
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        from raresim.cli.commands import app

        app()
    except CheckError as error:
        sys.stderr.write(f"raresim: {error}\n")
        sys.exit(1)
    except StoppedError as error:
        sys.stderr.write(f"raresim: {error}\n")
        sys.exit(130)
    except KeyboardInterrupt:  # while it was still starting
        sys.stderr.write("raresim: interrupted; nothing was written\n")
        sys.exit(130)
    except RaresimError as error:
        sys.stderr.write(f"raresim: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
