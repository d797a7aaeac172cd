"""Train an encoder: data, pair sampling, augmentation, model, losses, trainer, fine-tuning."""
