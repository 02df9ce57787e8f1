"""The tricks of training: pure functions that settings of :class:`ganzoo.config.settings.Tricks` switch on.

augment        what the discriminator sees: instance noise, DiffAugment
discriminator  what it is made of: spectral norm, minibatch discrimination and standard deviation
names          which setting is a trick of what
one_stage      G's slope from the pass of D that trains D
penalties      what the players minimise: smoothed and flipped targets, R1, gradient penalty, feature matching
schedules      the learning rate over a stage

:class:`ganzoo.models.adversarial.GAN` applies them in its losses; :mod:`ganzoo.training` applies the schedules.
"""
