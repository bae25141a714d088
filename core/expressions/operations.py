"""What the words and signs of the expression language compute: each a scalar rule, some with a whole-column form.

The whole-column form is there only where IEEE arithmetic makes it the same to the last bit; every other rule is asked
for each distinct value. Missing is not-a-number for numbers and None for texts; nothing here ever raises.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from core.expressions.whole import Texts, choose, finite, finite_whole, is_absent, merged
from core.measures.values import NAN

Scalar = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """A scalar rule, and its whole-column form where NumPy has the same one."""

    scalar: Scalar
    whole: Scalar | None = None


def total(rule: Scalar) -> Operation:
    """A rule of numbers that is missing where Python raises or the answer is infinite."""

    def asked(*values: float) -> float:
        try:
            return finite(float(rule(*values)))
        except (ValueError, ArithmeticError):
            return NAN

    return Operation(asked)


def _exact(sign: Scalar) -> Operation:
    """An operator whose answer IEEE fixes: Python's and NumPy's are one."""
    return Operation(lambda a, b: finite(sign(a, b)), lambda a, b: finite_whole(sign(a, b)))


def _compared(sign: Scalar) -> Operation:
    def asked(a: float, b: float) -> float:
        return NAN if a != a or b != b else float(sign(a, b))

    return Operation(asked, lambda a, b: _unless(is_absent(a) | is_absent(b), sign(a, b)))


def _unless(absent: Any, values: Any) -> Any:
    import numpy as np

    return np.where(absent, NAN, values)


def _divide(a: float, b: float) -> float:
    return finite(a / b) if b else NAN


def _divide_whole(a: Any, b: Any) -> Any:
    import numpy as np

    return finite_whole(np.divide(a, b, out=np.full(len(a), NAN), where=b != 0))


def _and(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else NAN if a != a or b != b else 1.0


def _and_whole(a: Any, b: Any) -> Any:
    import numpy as np

    return np.where((a == 0) | (b == 0), 0.0, _unless(np.isnan(a) | np.isnan(b), 1.0))


def _not(a: float) -> float:
    return NAN if a != a else float(a == 0)


def _or(a: float, b: float) -> float:
    return _not(_and(_not(a), _not(b)))


def _not_whole(a: Any) -> Any:
    return _unless(is_absent(a), a == 0)


def _or_whole(a: Any, b: Any) -> Any:
    return _not_whole(_and_whole(_not_whole(a), _not_whole(b)))


def _smaller(a: float, b: float) -> float:
    return NAN if a != a or b != b else a if a <= b else b


def _larger(a: float, b: float) -> float:
    return NAN if a != a or b != b else a if a >= b else b


def _same_text(a: str | None, b: str | None) -> float:
    return NAN if a is None or b is None else float(a == b)


def _same_text_whole(a: Texts, b: Texts) -> Any:
    _, first, second = merged(a, b)
    return _unless((first < 0) | (second < 0), first == second)


def if_number(c: float, a: float, b: float) -> float:
    """One of two numbers; missing where the condition is."""
    return NAN if c != c else a if c else b


def if_text(c: float, a: str | None, b: str | None) -> str | None:
    """One of two texts; missing where the condition is."""
    return None if c != c else a if c else b


def if_whole(c: Any, a: Any, b: Any) -> Any:
    """`if_number` and `if_text` over columns."""
    import numpy as np

    absent, chosen = np.isnan(c), choose(c != 0, a, b)
    if isinstance(chosen, Texts):
        return Texts(chosen.levels, np.where(absent, -1, chosen.codes))
    return _unless(absent, chosen)


def join(a: str | None, b: str | None) -> str | None:
    """Two texts crossed, `A|B`; a bar inside one of them is escaped, so that different pairs stay different."""
    return None if a is None or b is None else f"{_escaped(a)}|{_escaped(b)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|") if "|" in text or "\\" in text else text


def cycle(wave: Callable[[float], float], period: float) -> Callable[[float], float]:
    """The sine or cosine of a number's place in a cycle."""
    turn = 2 * math.pi / period

    def cyclic(value: float) -> float:
        # The sine of infinity is an error, not a number.
        return wave(value * turn) if math.isfinite(value * turn) else NAN

    return cyclic


def minutes(hhmm: float) -> float:
    """HHMM as minutes after midnight, 0 to 1440; missing for what is no such time."""
    if not 0 <= hhmm <= 2400 or hhmm != math.floor(hhmm) or hhmm % 100 >= 60:
        return NAN
    return hhmm // 100 * 60 + hhmm % 100


def clock_part(part: Callable[[datetime], int], zone: tzinfo) -> Callable[[str | None], float]:
    """A part of a time written as ISO 8601, told in a zone; one without an offset is UTC. Missing for other texts."""

    def asked(text: str | None) -> float:
        try:
            found = datetime.fromisoformat(text or "")
            return float(part((found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(zone)))
        except (ValueError, OverflowError):
            return NAN

    return asked


PARTS: dict[str, Callable[[datetime], int]] = {
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "weekday": lambda at: at.weekday(),
    "month": lambda at: at.month,
    "yearday": lambda at: at.timetuple().tm_yday,
}
ARITHMETIC: dict[str, Operation] = {
    "Add": _exact(operator.add),
    "Sub": _exact(operator.sub),
    "Mult": _exact(operator.mul),
    "Div": Operation(_divide, _divide_whole),
    "FloorDiv": total(operator.floordiv),
    "Mod": total(operator.mod),
    "Pow": total(math.pow),
    "And": Operation(_and, _and_whole),
    "Or": Operation(_or, _or_whole),
}
SIGNS: dict[str, Operation] = {
    "USub": Operation(lambda a: finite(-a), lambda a: finite_whole(-a)),
    "UAdd": Operation(finite, finite_whole),
    "Not": Operation(_not, _not_whole),
}
COMPARISONS: dict[str, Operation] = {
    "Lt": _compared(operator.lt),
    "LtE": _compared(operator.le),
    "Gt": _compared(operator.gt),
    "GtE": _compared(operator.ge),
    "Eq": _compared(operator.eq),
    "NotEq": _compared(operator.ne),
}
TEXT_EQUAL = Operation(_same_text, _same_text_whole)
NUMBERS: dict[str, Operation] = {
    "abs": Operation(lambda a: finite(abs(a)), lambda a: finite_whole(abs(a))),
    "log1p": total(math.log1p),
    "exp": total(math.exp),
    "sqrt": total(math.sqrt),
    "floor": total(math.floor),
    "round": total(round),
    "minutes": total(minutes),
    "min": Operation(_smaller, lambda a, b: _unless(is_absent(a) | is_absent(b), choose(a <= b, a, b))),
    "max": Operation(_larger, lambda a, b: _unless(is_absent(a) | is_absent(b), choose(a >= b, a, b))),
}
