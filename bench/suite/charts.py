"""Charts as SVG: bars with the range of the rounds, and lines of percentiles. Readable on light and on dark pages."""

from math import log10
from xml.sax.saxutils import escape

COLOURS = {"weir": "#2f81f7", "haproxy": "#d9701e", "nginx": "#2e9e44", "nghttpx": "#a05ec8", "caddy": "#8a8f98", "go": "#b39b18",
           "envoy": "#d0407f", "bare": "#7fb4fb"}
# The same text is read on a white and on a black page: the page's own colour scheme decides.
STYLE = """<style>
.page{fill:#ffffff}.text{fill:#1f2328}.faint{fill:#59636e}.line{stroke:#1f2328}.grid{stroke:#d1d9e0}.mark{stroke:#cf222e}
@media (prefers-color-scheme: dark){
.page{fill:#0d1117}.text{fill:#e6edf3}.faint{fill:#9198a1}.line{stroke:#e6edf3}.grid{stroke:#3d444d}.mark{stroke:#ff7b72}}
</style>"""
ROW, LEFT, WIDTH = 16, 110, 520
POINTS = ("p50", "p90", "p99", "p99.9", "p99.99")


def _text(x, y, text, anchor="start", size=12, style='class="text"'):
    return '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" %s>%s</text>' % (x, y, size, anchor, style, escape(text))


def _line(x1, x2, y1, y2, kind, more=""):
    return '<line class="%s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" %s/>' % (kind, x1, x2, y1, y2, more)


def _page(width, height, title, parts):
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" role="img">'
            '<title>%s</title>%s<rect class="page" width="100%%" height="100%%"/>%s%s</svg>\n' % (
                width, height, width, height, escape(title), STYLE, _text(12, 24, title, size=15), "".join(parts)))


def bars(title, groups, unit="", most=None, mark=None):
    """`groups`: [(label, [(name, value, low, high)])]. Bars above `most` are cut there, and say what they are; `mark` is a line."""
    groups = [(label, rows) for label, rows in groups if rows]
    top = max((high for _, rows in groups for _, _, _, high in rows), default=1) or 1
    top = min(top, most) if most else top
    scale = WIDTH / top
    height = 56 + sum(len(rows) * ROW + 14 for _, rows in groups)
    parts, y = [], 44
    if mark is not None:
        parts.append(_line(LEFT + mark * scale, LEFT + mark * scale, 38, height - 14, "mark", 'stroke-dasharray="4 3"'))
    for label, rows in groups:
        parts.append(_text(LEFT - 10, y + len(rows) * ROW / 2 + 4, label, "end"))
        for name, value, low, high in rows:
            cut = value > top
            end = min(value, top) * scale
            parts.append('<rect x="%d" y="%.1f" width="%.1f" height="%d" rx="2" fill="%s"/>' % (
                LEFT, y, max(1, end), ROW - 3, COLOURS.get(name, "#777")))
            reach = end
            if not cut and high > low:
                reach = min(high, top) * scale
                parts.append(_line(LEFT + low * scale, LEFT + reach, y + ROW / 2 - 1.5, y + ROW / 2 - 1.5, "line", 'stroke-width="1.5"'))
            parts.append(_text(LEFT + reach + 6, y + ROW - 5, "%s %.2f%s%s" % (name, value, unit, " (cut)" if cut else ""), size=11))
            y += ROW
        y += 14
    return _page(LEFT + WIDTH + 150, height, title, parts)


def _apart(wanted, gap):
    """The same places in order, at least `gap` apart: labels that can be read."""
    placed = []
    for at in sorted(range(len(wanted)), key=lambda i: wanted[i]):
        placed.append((at, max(wanted[at], placed[-1][1] + gap) if placed else wanted[at]))
    return dict(placed)


def percentiles(title, lines):
    """`lines`: {name: {"p50": µs, ...}}, on a logarithmic scale."""
    values = [line[point] for line in lines.values() for point in POINTS if line.get(point)]
    low, high = log10(max(1, min(values))) - 0.1, log10(max(2, max(values))) + 0.1
    left, step, bottom, tall = 70, 105, 240, 185

    def at(index, value):
        return left + index * step, bottom - tall * (log10(max(value, 1)) - low) / max(high - low, 0.1)
    parts = []
    for index, point in enumerate(POINTS):
        parts.append(_text(left + index * step, bottom + 24, point, "middle"))
    for decade in range(0, 9):
        for factor in (1, 2, 5):
            if low <= log10(factor) + decade <= high:
                y = at(0, factor * 10 ** decade)[1]
                parts.append(_line(left - 5, left + 4 * step + 8, y, y, "grid"))
                parts.append(_text(left - 10, y + 4, _time(factor * 10 ** decade), "end", 11, 'class="faint"'))
    names = list(lines)
    for name in names:
        points = [at(i, lines[name][point]) for i, point in enumerate(POINTS) if lines[name].get(point)]
        parts.append('<polyline points="%s" fill="none" stroke-width="%s" stroke="%s"/>' % (
            " ".join("%.1f,%.1f" % xy for xy in points), "3" if name == "weir" else "2", COLOURS.get(name, "#777")))
    places = _apart([at(4, lines[name][POINTS[-1]])[1] + 4 for name in names], 14)
    for index, name in enumerate(names):
        parts.append(_text(left + 4 * step + 14, places[index], name, style='fill="%s" font-weight="bold"' % COLOURS.get(name, "#777")))
    return _page(left + 4 * step + 110, bottom + 40, title, parts)


def _time(microseconds):
    if microseconds >= 1e6:
        return "%g s" % (microseconds / 1e6)
    return "%g ms" % (microseconds / 1e3) if microseconds >= 1000 else "%g µs" % microseconds
