"""How the shipped encoder is trained: data, augmentation, model and losses of `train.py`."""
