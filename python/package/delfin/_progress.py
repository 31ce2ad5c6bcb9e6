"""What the argument ``progress`` of a call means."""

from ._errors import OptionError


def callback(progress):
    """None, or a callable that gets stage, done and total."""
    if progress is None or progress is False:
        return None
    if progress is True:
        return Bars()
    if callable(progress):
        return progress
    raise OptionError(f"option progress: {type(progress).__name__} given; True or a callable wanted")


class Bars:
    """A bar of tqdm for each stage."""

    def __init__(self):
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError("progress=True shows tqdm's bar: pip install tqdm, or pass a callable") from error
        self.tqdm = tqdm
        self.bar = None
        self.stage = None

    def __call__(self, stage, done, total):
        if stage != self.stage:
            if self.bar is not None:
                self.bar.close()
            self.stage = stage
            self.bar = self.tqdm(total=total, desc=stage)
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.bar.close()
