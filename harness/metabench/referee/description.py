"""What plugins declare of themselves, asked of a contestant process and remembered by their source."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from metabench.discovery.source import BrokenPluginError, engine_hash, read_source
from metabench.referee.enclosure import Enclosure, copied_to
from metabench.referee.limits import Limits
from metabench.referee.outcome import RunError
from metabench.referee.plain import plain_line, plain_lines
from metabench.referee.process import ContestantProcess
from metabench.spec.option import Option
from metabench.spec.tokenizer import Tokenizer
from metabench.wire.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metabench.data.places import Places
    from metabench.discovery.plugin import Plugin

_LIMITS = Limits(memory_mib=4096, n_threads=1, seed=0)
_Line = Annotated[str, AfterValidator(plain_line)]
_Name = Annotated[str, StringConstraints(pattern=r"^\w{1,100}$")]
# No path and no model, which the sandbox would show to the plugin.
_Installed = Annotated[str, StringConstraints(pattern=r"^[\w+-]{1,100}$")]


class OptionDescription(BaseModel):
    """A declared option, as `metabench.spec.option.Option` has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    default: bool | int | float | str
    help: _Line
    at_least: float | None
    at_most: float | None
    choices: tuple[_Line, ...]

    def as_option(self) -> Option:
        """The declaration, which checks values."""
        return Option(self.default, self.help, self.at_least, self.at_most, self.choices)


class Description(BaseModel):
    """What a plugin declares.

    Attributes:
        summary: Its docstring.
        options: By name.
        features_only: Of an algorithm: it sees examples through the backbone alone.
        default_backbones: Of an algorithm: by modality, what it stands on unless the user names a backbone.
        modality: Of a backbone: what its inputs are.
        pretraining: Of a backbone: what its weights were trained on before.
        takes_model: Of a backbone: it runs with a pretrained model that the user names.
        tokenizer: Of a text backbone: how texts become token ids.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    summary: Annotated[str, AfterValidator(plain_lines)]
    options: dict[_Name, OptionDescription]
    features_only: bool
    modality: _Line
    pretraining: _Line
    takes_model: bool = False
    default_backbones: dict[_Name, _Installed] = {}
    tokenizer: Tokenizer | None = None


@dataclass(frozen=True)
class Undescribed:
    """A plugin that cannot tell, and why."""

    reason: str


def describe_plugins(plugins: Sequence[Plugin], places: Places) -> dict[Plugin, Description | Undescribed]:
    """Ask plugins what they declare; those that were asked before with the same source are not imported.

    Args:
        plugins: Algorithms and backbones.
        places: Where data lies, hidden from them; the cache has what is known already.
    """
    found: dict[Plugin, Description | Undescribed] = {}
    files: dict[Plugin, Path] = {}
    for plugin in dict.fromkeys(plugins):
        try:
            files[plugin] = places.cache / f"description-{_key(plugin)}.json"
            found[plugin] = Description.model_validate_json(files[plugin].read_bytes())
        except BrokenPluginError as error:
            found[plugin] = Undescribed(str(error))
        except (OSError, ValidationError):
            continue
    unknown = [plugin for plugin in files if plugin not in found]
    for plugin, told in zip(unknown, _ask(unknown, places.folders), strict=True):
        found[plugin] = told
        if isinstance(told, Description):
            _remember(files[plugin], told)
    return found


def _key(plugin: Plugin) -> str:
    told = f"{plugin.kind}\0{plugin.target}\0{read_source(plugin).documented_digest}\0{engine_hash()}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _ask(plugins: Sequence[Plugin], hidden: tuple[Path, ...]) -> list[Description | Undescribed]:
    """Import plugins in a contestant process and read what they declare.

    One that ends the whole process would take the answers of the others with it, so each is then asked alone.
    """
    if not plugins:
        return []
    asked = [
        {
            "kind": one.kind,
            "target": one.target,
            "search_path": copied_to(one.search_path) if one.search_path else None,
        }
        for one in plugins
    ]
    try:
        with ContestantProcess(_LIMITS, "start", Enclosure(tuple(plugins), hidden)) as process:
            limit_s = _LIMITS.startup_s * (1 + len(plugins))
            process.send(Message("describe", {"plugins": asked}), within_s=limit_s)
            answer = process.expect("descriptions", within_s=limit_s, doing="describing plugins")
    except RunError as error:
        if len(plugins) == 1:
            return [Undescribed(error.message)]
        return [told for plugin in plugins for told in _ask([plugin], hidden)]
    told = answer.fields.get("descriptions")
    answers = told if isinstance(told, list) and len(told) == len(plugins) else [None] * len(plugins)
    return [_read(one) for one in answers]


def _read(answer: object) -> Description | Undescribed:
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        return Undescribed(plain_line(answer["error"]))
    try:
        # As JSON, where a record is an object and strictness allows it to be one.
        return Description.model_validate_json(json.dumps(answer))
    except ValidationError:
        return Undescribed("it declares what cannot be read")


def _remember(file: Path, description: Description) -> None:
    """Write what was told, whole or not at all; without a cache the next command asks again."""
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(description.model_dump_json())
        part.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
