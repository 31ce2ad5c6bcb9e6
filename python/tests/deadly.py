"""A filesystem for workers of Ray, which import it from here."""

import os
import pathlib
import signal

from fsspec.implementations.local import LocalFileSystem


class Deadly(LocalFileSystem):
    """Kills the process that reads a photo, as lack of memory does; ``times`` times."""

    protocol = "deadly"
    cachable = False

    def __init__(self, marks, times, **options):
        super().__init__(**options)
        self.marks, self.times = marks, times

    def _open(self, path, mode="rb", **options):
        if path.endswith("cat.jpg"):
            number = len(os.listdir(self.marks))
            if number < self.times:
                pathlib.Path(self.marks, str(number)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return super()._open(path, mode, **options)
