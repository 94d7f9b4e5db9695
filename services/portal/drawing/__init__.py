"""Drawings as SVG: graphs, charts, maps. The same facts give the same bytes."""
