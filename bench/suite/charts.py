"""Charts as SVG: bars with the range of the rounds, and lines of percentiles."""

from xml.sax.saxutils import escape

COLOURS = {"weir": "#1463a5", "haproxy": "#c9571a", "nginx": "#3a8c3f", "nghttpx": "#8a56a8", "caddy": "#7a7a7a", "go": "#b0a030",
           "envoy": "#b03060"}
ROW, LEFT, WIDTH = 15, 150, 520


def _text(x, y, text, anchor="start", size=11, colour="#222"):
    return '<text x="%.1f" y="%.1f" font-size="%d" fill="%s" text-anchor="%s">%s</text>' % (
        x, y, size, colour, anchor, escape(text))


def _page(width, height, parts):
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif">'
            '<rect width="100%%" height="100%%" fill="white"/>%s</svg>\n' % (width, height, "".join(parts)))


def bars(title, groups, unit):
    """`groups`: [(label, [(name, value, low, high)])]; longer is more."""
    top = max((high for _, rows in groups for _, _, _, high in rows), default=1) or 1
    height = 50 + sum(len(rows) * ROW + 12 for _, rows in groups)
    parts, y = [_text(10, 22, title, size=14)], 40
    for label, rows in groups:
        parts.append(_text(LEFT - 8, y + len(rows) * ROW / 2 + 4, label, "end"))
        for name, value, low, high in rows:
            scale = WIDTH / top
            parts.append('<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>' % (
                LEFT, y, value * scale, ROW - 3, COLOURS.get(name, "#555")))
            parts.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#111"/>' % (
                LEFT + low * scale, LEFT + high * scale, y + ROW / 2 - 1.5, y + ROW / 2 - 1.5))
            parts.append(_text(LEFT + high * scale + 5, y + ROW - 5, "%s %.2f%s" % (name, value, unit), size=10))
            y += ROW
        y += 12
    return _page(LEFT + WIDTH + 140, height, parts)


def percentiles(title, lines):
    """`lines`: {name: {"p50": µs, ...}}, on a logarithmic scale."""
    from math import log10
    points = ["p50", "p90", "p99", "p99.9", "p99.99"]
    values = [line[p] for line in lines.values() for p in points if line.get(p)]
    low, high = log10(max(1, min(values))), log10(max(values))
    span = max(high - low, 0.1)
    height, parts = 260, [_text(10, 22, title, size=14)]

    def at(index, value):
        return 60 + index * 110, 210 - 160 * (log10(max(value, 1)) - low) / span
    for index, point in enumerate(points):
        parts.append(_text(60 + index * 110, 232, point, "middle"))
    for decade in range(int(low), int(high) + 2):
        if low <= decade <= high + 0.001:
            y = at(0, 10 ** decade)[1]
            parts.append('<line x1="55" x2="510" y1="%.1f" y2="%.1f" stroke="#ddd"/>' % (y, y))
            parts.append(_text(50, y + 4, "%g µs" % 10 ** decade, "end", 10))
    for name, line in lines.items():
        path = " ".join("%.1f,%.1f" % at(i, line[p]) for i, p in enumerate(points) if p in line)
        parts.append('<polyline points="%s" fill="none" stroke-width="2" stroke="%s"/>' % (path, COLOURS.get(name, "#555")))
        x, y = at(len(points) - 1, line[points[-1]])
        parts.append(_text(x + 6, y + 4, name, colour=COLOURS.get(name, "#555")))
    return _page(620, height, parts)
