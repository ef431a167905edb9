"""Declared parameters and their checks. All problems are collected, not only the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Problem = dict[str, str]
Check = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Parameter:
    title: str
    check: Check
    required: bool = False
    members: dict[str, Parameter] | None = None


def validate(path: str, declared: dict[str, Parameter], given: dict[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    for name, value in given.items():
        parameter = declared.get(name)
        if parameter is None:
            problems.append({"path": f"{path}/{name}", "message": "There is no such parameter."})
        elif parameter.members is not None:
            if isinstance(value, dict):
                problems += validate(f"{path}/{name}", parameter.members, value)
            else:
                problems.append(_invalid(path, name, parameter, "It must be an object."))
        elif fault := parameter.check(value):
            problems.append(_invalid(path, name, parameter, fault))
    for name, parameter in declared.items():
        if parameter.required and name not in given:
            problems.append(_invalid(path, name, parameter, "It is required."))
    return problems


def _invalid(path: str, name: str, parameter: Parameter, fault: str) -> Problem:
    message = f"The value for parameter ({parameter.title}) is invalid. {fault}"
    return {"path": f"{path}/{name}", "message": message}


def integer(minimum: int, maximum: int) -> Check:
    def check(value: Any) -> str:
        # `True` is an int in Python, but not in JSON.
        if type(value) is not int:
            return "It must be an integer."
        return "" if minimum <= value <= maximum else f"It must be from {minimum} to {maximum}."

    return check


_identifier_number = integer(1, 1 << 62)


def identifier(value: Any) -> str:
    """Also accepts a string of digits, as the wire contract allows."""
    if type(value) is str and value.isascii() and value.isdigit():
        value = int(value)
    return _identifier_number(value)


def choice(*options: str) -> Check:
    allowed = frozenset(options)

    def check(value: Any) -> str:
        if type(value) is str and value in allowed:
            return ""
        return f"It must be one of {', '.join(options)}."

    return check


def boolean(value: Any) -> str:
    return "" if type(value) is bool else "It must be true or false."


def text(value: Any) -> str:
    return "" if type(value) is str and value else "It must be a string that is not empty."


def instance(value: Any) -> str:
    """Checks that the value is an object; its members are checked separately."""
    return "" if type(value) is dict else "It must be an object."
