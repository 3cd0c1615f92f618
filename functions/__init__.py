"""What is deployed: six folders that never import each other, over `functions.shared`.

A bundle keeps these paths, so a traceback in the cloud names the same module as here. In a folder, main.py holds
the entry points and is the only file that builds clients; models.py the nouns; service.py or named domain modules the
verbs; repository.py every query; requirements.txt what that bundle installs.
"""
