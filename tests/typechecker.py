"""beartype as the import hook uses it: an int may stand for a float, as PEP 484 has it."""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
