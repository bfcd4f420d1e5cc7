"""The proof that no wrong image gets through a serial line: `python -m accuracy.line`.

Every way in which a line can damage an image, at every packet of it, and thousands of random
mixtures, from a simulated module over a real pseudo-terminal into the station's own driver.
What comes out must be the image on the glass, or a refusal that says so.
"""
