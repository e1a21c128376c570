package task

const victimEnv = "CALLBOARD_TEST_VICTIM"

func victim() int { return 0 }
