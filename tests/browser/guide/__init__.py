"""The guide as the product's users read it, and every sentence of it as a step in Chromium.

`guide.txt` is the guide, word for word. `walk.py` reads it and knows whoever follows it; the other modules have a step
for each sentence of one section, or say why it waits.
"""
