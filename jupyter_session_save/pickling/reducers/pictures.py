"""Pens, fonts, key points and geometries, whose parts in C do not pickle.

Invariant: a pen goes on drawing on the image that it was made for.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


def pen(obj: Any, pickling: Pickling) -> Any:
    """Reduce a pen of PIL to its image and its settings."""
    state = {name: value for name, value in vars(obj).items() if name not in ("im", "draw", "_image", "palette")}
    pickling.modules.add("PIL")
    return make_pen, (obj._image, obj.mode), state, None, None, rebuild.raw_state


def font(obj: Any, pickling: Pickling) -> Any:
    """Reduce a font of PIL that was read from memory to its bytes; others are found again by path."""
    if not getattr(obj, "font_bytes", None):
        return NotImplemented
    return make_font, (obj.font_bytes, obj.size, obj.index, obj.encoding, obj.layout_engine)


def key_point(obj: Any, pickling: Pickling) -> Any:
    """Reduce a key point of OpenCV to its numbers."""
    return type(obj), (*obj.pt, obj.size, obj.angle, obj.response, obj.octave, obj.class_id)


def match(obj: Any, pickling: Pickling) -> Any:
    """Reduce a match of OpenCV to its numbers."""
    return type(obj), (obj.queryIdx, obj.trainIdx, obj.imgIdx, obj.distance)


def device_image(obj: Any, pickling: Pickling) -> Any:
    """Reduce an image in the memory of a device to its array."""
    return type(obj), (obj.get(),)


def prepared(obj: Any, pickling: Pickling) -> Any:
    """Reduce a prepared geometry of shapely to the geometry."""
    return type(obj), (obj.context,)


def make_pen(image: Any, mode: str) -> Any:
    """Make a pen for an image."""
    from PIL import ImageDraw

    return ImageDraw.Draw(image, mode)


def make_font(data: bytes, *settings: Any) -> Any:
    """Make a font."""
    from PIL import ImageFont

    return ImageFont.FreeTypeFont(io.BytesIO(data), *settings)
