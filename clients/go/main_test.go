package sallyport_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMain makes the tests use the executable of this checkout, and no state of the user.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FAKE_HOST"); mode != "" {
		playHost(mode)
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv("SALLYPORT") == "" {
		path, err := filepath.Abs("../../.build/release/sallyport")
		if err != nil {
			panic(err)
		}
		os.Setenv("SALLYPORT", path)
	}
	state, err := os.MkdirTemp("", "sallyport-state-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(state)
	os.Setenv("XDG_STATE_HOME", state)
	os.Unsetenv("SALLYPORT_CONNECTIONS")
	return m.Run()
}
