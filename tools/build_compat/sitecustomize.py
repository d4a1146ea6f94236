"""Lets pyradiomics 3.0.1 build on Python 3.12 and later; on PYTHONPATH only while it is built.

Its bundled versioneer calls `configparser.SafeConfigParser` and `readfp`, both removed in Python 3.12.
May go when pyradiomics publishes a release whose set-up runs there.
"""

import configparser

if not hasattr(configparser, "SafeConfigParser"):
    configparser.SafeConfigParser = configparser.ConfigParser
if not hasattr(configparser.RawConfigParser, "readfp"):
    configparser.RawConfigParser.readfp = lambda self, fp, filename=None: self.read_file(fp, filename)
