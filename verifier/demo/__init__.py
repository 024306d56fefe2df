"""A small web and a small archive on this machine, with which `verifier demo` shows the service.

Every name, text and quotation in it is invented.
"""
