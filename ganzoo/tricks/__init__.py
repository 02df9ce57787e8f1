"""The tricks of training, as settings that work with every variant they make sense for (:class:`ganzoo.config.settings.Tricks`).

sight      what the discriminator sees: instance noise, DiffAugment
networks   what the discriminator is made of: spectral norm, minibatch discrimination and standard deviation
losses     what the players minimise: smoothed and flipped targets, R1, gradient penalty, feature matching
schedule   who steps how often, and with which learning rate
rules      where a setting makes no sense, and why

:class:`ganzoo.models.variant.Variant` applies them in its default losses; the trainer applies the schedule.
"""
