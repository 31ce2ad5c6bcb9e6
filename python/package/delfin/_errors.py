"""The exceptions of the package."""


class Error(Exception):
    """Base of every error of delfin. ``path`` is the file or folder at fault, or None."""

    path = None

    def __init__(self, message, path=None):
        super().__init__(message)
        self.path = path

    def __reduce__(self):
        return type(self), (str(self), self.path)


class FileError(Error, OSError):
    """A file or folder cannot be opened, read or written. ``errno`` is the system's number, if there is one."""

    def __str__(self):
        return str(self.args[0])


class ImageError(Error, ValueError):
    """An image cannot be used: a damaged file, or an array of another shape or type."""


class FeaturesError(Error, ValueError):
    """Features are damaged, or do not fit one another."""


class ModelError(Error, ValueError):
    """A network cannot be used."""


class FormatError(Error, ValueError):
    """A file or folder does not hold what it should."""


class OptionError(Error, ValueError):
    """An option has a value outside its range."""


class DependencyError(Error, ImportError):
    """A package that a part of delfin needs is not installed."""
