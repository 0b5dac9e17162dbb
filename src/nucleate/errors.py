"""Every error a user can cause, each with a hint that says what to do next."""


class NucleateError(Exception):
    """Base of all errors that are the user's to mend. Printed as one line and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class DataError(NucleateError):
    """A file or data set is missing, malformed, or not what it says it is."""


class StructureError(DataError):
    """One crystal structure can't be used: unparsable, disordered, colliding atoms, not finite."""


class RecipeError(NucleateError):
    """An unknown recipe, or a setting that it does not have or can't take."""


class ModelError(NucleateError):
    """A model folder or name can't be loaded, or can't do what is asked of it."""


class FormulaError(NucleateError):
    """A chemical formula that can't be read or predicted."""


class TrainingError(NucleateError):
    """Training can't go on: gradients that are not finite, or a run folder that does not fit."""


class MissingPackageError(NucleateError):
    """An optional package is needed for this and is not installed."""
