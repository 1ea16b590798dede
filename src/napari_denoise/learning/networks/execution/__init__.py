"""How networks are computed: layer by layer, in slabs, with each convolution's fastest way.

The networks beside this package say what is computed, in plain torch; this says how, for training
and prediction alike. Their results agree but for rounding, which the tests check. Importing this
package imports nothing.
"""
