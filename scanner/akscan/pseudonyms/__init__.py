"""Reports and inventories without names: subscriptions, resources, namespaces and objects under pseudonyms that a key
makes.

The same name has the same pseudonym wherever it stands, in every report and every inventory of the same key; without
the key nobody can tell which name it was, or try names out. Names that rules know stay (`akscan.pseudonyms.known`), so
that an inventory is judged alike with and without pseudonyms.
"""
