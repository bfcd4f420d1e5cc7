"""A page to draw on: millimetres from its top left corner, our letters, few colours."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final, Literal

from reportlab.graphics import renderPDF  # type: ignore[import-untyped]
from reportlab.graphics.barcode.qr import QrCodeWidget  # type: ignore[import-untyped]
from reportlab.graphics.shapes import Drawing  # type: ignore[import-untyped]
from reportlab.lib.colors import Color, HexColor, white  # type: ignore[import-untyped]
from reportlab.lib.utils import ImageReader  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from edge.calibration.plot_letters import FONT, cut, font, printable, width_of, wrapped

MM: Final = 72 / 25.4
WIDTH_MM: Final = 210.0
HEIGHT_MM: Final = 297.0
INK: Final = HexColor("#111827")
SOFT: Final = HexColor("#4b5563")
FAINT: Final = HexColor("#d1d5db")
PALE: Final = HexColor("#f3f4f6")
LEADING: Final = 1.32


class Sheet:
    """One document of A4 pages. Coordinates in mm, y downwards."""

    def __init__(self, title: str, subject: str) -> None:
        """Begin it.

        Args:
            title: of the file, as a reader program shows it.
            subject: likewise.
        """
        font()
        self._high = HEIGHT_MM
        self._file = BytesIO()
        # The same content shall be the same bytes: without the moment of drawing.
        self._canvas = Canvas(
            self._file, pagesize=(WIDTH_MM * MM, HEIGHT_MM * MM), invariant=1, pageCompression=1
        )
        self._canvas.setTitle(title)
        self._canvas.setSubject(subject)
        self._canvas.setAuthor("Anxin Station")
        self._canvas.setCreator("Anxin Station")

    def lie(self, *, lying: bool) -> None:
        """Turn the page at hand, before anything is drawn on it."""
        wide, self._high = (HEIGHT_MM, WIDTH_MM) if lying else (WIDTH_MM, HEIGHT_MM)
        self._canvas.setPageSize((wide * MM, self._high * MM))

    def end_page(self) -> None:
        """Begin the next page."""
        self._canvas.showPage()

    def content(self) -> bytes:
        """Return the whole file; nothing can be drawn any more."""
        self._canvas.save()
        return self._file.getvalue()

    def text(  # noqa: PLR0917 - a place, words and how they look
        self, x: float, y: float, words: str, size: float = 8.0, colour: Color = INK,
        align: Literal["left", "right", "middle"] = "left", width: float | None = None,
    ) -> None:  # fmt: skip
        """Write one line; `y` is its baseline, `size` in points; too long for `width` it is cut."""
        words = printable(words) if width is None else cut(words, size, width * MM)
        shift = {"left": 0.0, "right": -1.0, "middle": -0.5}[align] * width_of(words, size)
        self._canvas.setFont(FONT, size)
        self._canvas.setFillColor(colour)
        self._canvas.drawString(x * MM + shift, (self._high - y) * MM, words)

    def paragraph(  # noqa: PLR0917 - a place, words and how they look
        self, x: float, y: float, width: float, words: str, size: float = 7.0, colour: Color = INK
    ) -> float:
        """Write a text in lines, and return where the next one may begin."""
        step = size * LEADING / MM
        for line in wrapped(words, size, width * MM):
            self.text(x, y, line, size, colour)
            y += step
        return y

    def lines_of(self, width: float, words: str, size: float) -> int:
        """Return how many lines a text takes."""
        return len(wrapped(words, size, width * MM))

    def rule(self, x: float, y: float, width: float, colour: Color = FAINT) -> None:
        """Draw a thin line to the right."""
        self._canvas.setStrokeColor(colour)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(x * MM, (self._high - y) * MM, (x + width) * MM, (self._high - y) * MM)

    def line(
        self, x: float, y: float, to_x: float, to_y: float, *, width_mm: float = 0.2,
        dashed: bool = False,
    ) -> None:  # fmt: skip
        """Draw a black line."""
        self._canvas.setStrokeColor(INK)
        self._canvas.setLineWidth(width_mm * MM)
        self._canvas.setDash([3, 2] if dashed else [])
        self._canvas.line(x * MM, (self._high - y) * MM, to_x * MM, (self._high - to_y) * MM)
        self._canvas.setDash([])

    def polygon(self, corners: Sequence[tuple[float, float]], fill: Color) -> None:
        """Fill a polygon."""
        path = self._canvas.beginPath()
        for number, (x, y) in enumerate(corners):
            move = path.lineTo if number else path.moveTo
            move(x * MM, (self._high - y) * MM)
        path.close()
        self._canvas.setFillColor(fill)
        self._canvas.drawPath(path, stroke=0, fill=1)

    def box(  # noqa: PLR0917 - a rectangle and its two colours
        self, x: float, y: float, width: float, height: float, fill: Color | None = None,
        line: Color | None = None,
    ) -> None:  # fmt: skip
        """Draw a rectangle from its top left corner."""
        if fill is not None:
            self._canvas.setFillColor(fill)
        if line is not None:
            self._canvas.setStrokeColor(line)
            self._canvas.setLineWidth(0.5)
        self._canvas.rect(
            x * MM, (self._high - y - height) * MM, width * MM, height * MM,
            stroke=int(line is not None), fill=int(fill is not None),
        )  # fmt: skip

    def picture(self, x: float, y: float, width: float, height: float, jpeg: bytes) -> None:
        """Draw a JPEG as large as the place lets it, in its middle. Raises `OSError`."""
        image = ImageReader(BytesIO(jpeg))
        wide, high = image.getSize()
        scale = min(width / wide, height / high)
        left, top = x + (width - wide * scale) / 2, y + (height - high * scale) / 2
        self._canvas.drawImage(
            image, left * MM, (self._high - top - high * scale) * MM, wide * scale * MM,
            high * scale * MM,
        )  # fmt: skip

    def drawing(self, x: float, y: float, drawing: Drawing) -> None:
        """Put a drawing down by its top left corner."""
        renderPDF.draw(drawing, self._canvas, x * MM, (self._high - y) * MM - drawing.height)

    def qr(self, x: float, y: float, side: float, content: str) -> None:
        """Draw a QR code with its quiet zone."""
        code = QrCodeWidget(content, barLevel="M")
        left, low, right, high = code.getBounds()
        scale = side * MM / max(right - left, high - low)
        drawing = Drawing(side * MM, side * MM, transform=[scale, 0, 0, scale, 0, 0])
        drawing.add(code)
        self.box(x, y, side, side, white)
        self.drawing(x, y, drawing)
