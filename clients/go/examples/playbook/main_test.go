package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.invalid/sallyport"
)

const examples = "../../../../protocol/examples/phishing/"

func sandbox(faults ...string) sallyport.Options {
	path := os.Getenv("SALLYPORT")
	if path == "" {
		path, _ = filepath.Abs("../../../../.build/release/sallyport")
	}
	options := sallyport.Options{Path: path, Sandbox: true}
	for _, fault := range faults {
		options.Args = append(options.Args, "--sandbox-fault", fault)
	}
	return options
}

func incident(t *testing.T) Incident {
	owners, err := readOwners(examples + "owners.csv")
	if err != nil {
		t.Fatal(err)
	}
	return Incident{Number: "4711", Mailbox: "soc@harbor.example", Domain: "harbor.example", Owners: owners}
}

// The files are those that the Python playbook is held against.
func TestTheReportIsTheOneThatTheDocumentsShow(t *testing.T) {
	for _, one := range []struct {
		file      string
		isDryRun  bool
		faults    []string
		succeeded bool
	}{
		{"report.md", false, nil, true},
		{"dry-run.md", true, nil, true},
		{"failure.md", false, []string{"gravityzone: 503 always on addToBlocklist"}, false},
	} {
		t.Run(one.file, func(t *testing.T) {
			want, err := os.ReadFile(examples + one.file)
			if err != nil {
				t.Fatal(err)
			}
			incident := incident(t)
			incident.DryRun = one.isDryRun
			var out strings.Builder
			succeeded, err := contain(context.Background(), sandbox(one.faults...), incident, &out)
			if succeeded != one.succeeded || err != nil {
				t.Error(succeeded, err)
			}
			if out.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
}

func TestTheCommandOfTheReadmePrintsThatReport(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(regexp.MustCompile(`(?m)^go run \./examples/playbook.*$`).Find(readme)))
	if len(words) == 0 {
		t.Fatal("the README does not show it")
	}
	command := exec.Command(words[0], words[1:]...)
	command.Dir = "../.."
	command.Env = append(os.Environ(), "SALLYPORT="+sandbox().Path)
	got, err := command.CombinedOutput()
	want, _ := os.ReadFile(examples + "report.md")
	if err != nil || string(got) != string(want) {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestAWrongCommandLineIsToldBeforeAnythingIsDone(t *testing.T) {
	owners := func(content string) string {
		path := filepath.Join(t.TempDir(), "owners.csv")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := filepath.Join(t.TempDir(), "playbook")
	if said, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatal(string(said))
	}
	for _, one := range []struct {
		args []string
		want string
	}{
		{[]string{"-sandbox", "true", "-dry-run"}, "unexpected argument true; see -help\n"},
		{[]string{"-owners", "nowhere.csv"}, "open nowhere.csv: no such file or directory\n"},
		{[]string{"-owners", owners("")}, ": the first line must be mail,endpoint\n"},
		{[]string{"-owners", owners("user,pc\na,b\n")}, ": the first line must be mail,endpoint\n"},
	} {
		command := exec.Command(program, one.args...)
		var said strings.Builder
		command.Stdout, command.Stderr = &said, &said
		command.Run()
		if status := command.ProcessState.ExitCode(); status != 2 || !strings.HasSuffix(said.String(), one.want) || strings.Count(said.String(), "\n") != 1 {
			t.Errorf("%v: exit %d, %q", one.args, status, said.String())
		}
	}
}

func TestWithoutAReportNothingIsDone(t *testing.T) {
	incident := incident(t)
	incident.Domain = "evil.example"
	var out strings.Builder
	succeeded, err := contain(context.Background(), sandbox(), incident, &out)
	if !succeeded || err != nil || out.String() != "No reported mail in soc@harbor.example.\n" {
		t.Error(succeeded, err, out.String())
	}
}

func TestAnEndpointThatIsNotThereIsAFailureAndOneOfTwoOwnersIsIsolatedOnce(t *testing.T) {
	for owners, want := range map[[2]string]string{
		{"NO-PC1", ""}: "- Isolate the endpoint of nils@harbor.example: none is known\n" +
			"- Isolate NO-PC1 of fiona@harbor.example: failed. No managed endpoint has this name.\n",
		{"FIN-PC2", "FIN-PC2"}: "- Isolate FIN-PC2 of fiona@harbor.example, nils@harbor.example: done\n",
	} {
		incident := incident(t)
		incident.Owners = map[string]string{"fiona@harbor.example": owners[0]}
		if owners[1] != "" {
			incident.Owners["nils@harbor.example"] = owners[1]
		}
		var out strings.Builder
		succeeded, err := contain(context.Background(), sandbox(), incident, &out)
		if succeeded != (owners[1] != "") || err != nil || !strings.HasSuffix(out.String(), want) {
			t.Error(owners, succeeded, err, out.String())
		}
	}
}
