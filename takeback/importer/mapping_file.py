"""Reading mapping files, in TOML or JSON."""

import tomllib
from pathlib import Path

from takeback.api import json_parser
from takeback.core.errors import Refused
from takeback.importer.mapping import Layout, WrongMapping, layout_of


def read_layout(path: Path) -> Layout:
    """The mapping file at this place, or `WrongMapping`."""
    try:
        if path.suffix.lower() == ".json":
            return layout_of(json_parser.object_from(path.read_bytes()))
        return layout_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongMapping(f"{path.name} is not valid TOML: {error}") from error
    except Refused as refused:
        raise WrongMapping(f"{path.name}: {refused.problem.message}") from refused
