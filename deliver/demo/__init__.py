"""`deliver demo`: real releases by real `deliver` processes on the sandbox, told step by step, and checked."""
