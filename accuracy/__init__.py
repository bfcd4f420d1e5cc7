"""How far the portrait's judgement can be trusted, measured: `python -m accuracy` writes the page.

Labelled portraits and painted defects go through the station's own seeing and judging; what comes
out is compared with what is known of the picture. Nothing of the station imports this room.
"""
