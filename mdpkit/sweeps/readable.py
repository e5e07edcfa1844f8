"""Numbers as people read them."""

from __future__ import annotations

import math

__all__ = ["readable", "readable_pair", "readable_size", "readable_time"]


def readable(x: float | None, digits: int = 4) -> str:
    """Return a number with ``digits`` significant digits: ``1,234``, ``0.9312``, ``1e-6``."""
    if x is None:
        return "none"
    if math.isnan(x) or math.isinf(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    if x == int(x) and abs(x) < 1e7:
        text = f"{int(x):,}"
    elif 1e-4 <= abs(x) < 1e7:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(x))))
        text = f"{x:,.{decimals}f}"
        if decimals:
            text = text.rstrip("0").rstrip(".")
    else:
        mantissa, _, exponent = f"{x:.{digits - 1}e}".partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        text = f"{mantissa}e{int(exponent)}"
    return "−" + text[1:] if text.startswith("-") else text


def readable_pair(x: float | None, y: float | None) -> tuple[str, str]:
    """Return both numbers with so many digits that they differ on paper if they differ at all."""
    for digits in range(4, 18):
        first, second = readable(x, digits), readable(y, digits)
        if first != second or x == y or x is None or y is None or math.isnan(x) or math.isnan(y):
            break
    return first, second


def readable_time(seconds: float) -> str:
    """Return a duration: ``0.3 s``, ``2 min 5 s``, ``3 h 20 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def readable_size(n_bytes: int) -> str:
    """Return a size on disk: ``512 bytes``, ``3.4 kB``, ``120 MB``."""
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    size, unit = n_bytes / 1e3, "kB"
    for larger in ("MB", "GB"):
        if size >= 999.5:
            size, unit = size / 1e3, larger
    return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"
