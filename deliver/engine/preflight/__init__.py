"""What is found out before anything is written: is a release possible, what will it write, what is it judged by?"""
