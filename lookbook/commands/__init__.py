"""The long commands: build an index, serve the site, train the encoder, evaluate.

`app.py`, `embed.py` and `train.py` of a checkout call the same functions as `lookbook app`,
`lookbook embed` and `lookbook train` of an installed copy. `app` sets variables that numpy, torch
and gradio read when they are loaded, so nothing may import these before it.
"""
