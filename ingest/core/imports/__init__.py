"""Files of leads or events as people have them: what is in them, and each row as an event or a reason why not.

Pure: a file is anything that can be read and sought in, and nothing here knows where the rows go.
"""
