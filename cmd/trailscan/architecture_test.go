package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/trailscan/trailscan"

// packageSource is what a package's own files, without its tests, say.
type packageSource struct {
	imports []string // sorted
	files   []*ast.File
}

// sources reads the packages below the repository's root by their folder.
func sources(t *testing.T, root string) map[string]*packageSource {
	t.Helper()
	packages := map[string]*packageSource{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if b := d.Name(); b == "testdata" || b == "itest" || b == "dist" || len(b) > 1 && b[0] == '.' && b != ".." {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		if packages[dir] == nil {
			packages[dir] = &packageSource{}
		}
		p := packages[dir]
		p.files = append(p.files, file)
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			p.imports = append(p.imports, imported)
		}
		slices.Sort(p.imports)
		p.imports = slices.Compact(p.imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// product are the packages that make the program, with those of them that each
// may import: events are read, then judged, then shown, and nothing leads back.
var product = map[string][]string{
	"internal/ingest":    nil,
	"internal/athena":    {"internal/ingest"},
	"internal/attribute": {"internal/ingest"},
	"internal/report":    {"internal/attribute", "internal/ingest"},
	"cmd/trailscan":      {"internal/athena", "internal/attribute", "internal/ingest", "internal/report"},
}

// TestImportsRunOneWay also keeps what is for tests only (the S3 server, the
// stand-in of LookupEvents, the generator of trails) out of the program.
func TestImportsRunOneWay(t *testing.T) {
	packages := sources(t, "../..")
	for dir, allowed := range product {
		p := packages[dir]
		if p == nil {
			t.Errorf("there is no package %s", dir)
			continue
		}
		for _, imported := range p.imports {
			own, ok := strings.CutPrefix(imported, modulePath+"/")
			if ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s; it may import %q of this module", dir, own, allowed)
			}
		}
	}
	for dir, p := range packages {
		for _, imported := range p.imports {
			if strings.HasPrefix(imported, modulePath+"/cmd/") {
				t.Errorf("%s imports a command, %s", dir, imported)
			}
		}
	}
}

// TestArchitecturePage: ARCHITECTURE.md names every package.
func TestArchitecturePage(t *testing.T) {
	page := readDoc(t, "ARCHITECTURE.md")
	for dir := range sources(t, "../..") {
		if !strings.Contains(page, "`"+dir+"`") {
			t.Errorf("ARCHITECTURE.md does not name %s", dir)
		}
	}
}

// TestNetworkWhereEventsComeFrom: what judges and shows can reach nobody, so that
// what the documentation says about the network has to be checked where events
// come from alone.
func TestNetworkWhereEventsComeFrom(t *testing.T) {
	packages := sources(t, "../..")
	for _, dir := range []string{"internal/attribute", "internal/report"} {
		for _, imported := range packages[dir].imports {
			if imported == "net" || strings.HasPrefix(imported, "net/http") || strings.HasPrefix(imported, "github.com/aws/") || imported == "os/exec" {
				t.Errorf("%s imports %s", dir, imported)
			}
		}
	}
	for _, imported := range packages["cmd/trailscan"].imports {
		if imported == "net" || strings.HasPrefix(imported, "net/http") || imported == "os/exec" {
			t.Errorf("cmd/trailscan imports %s", imported)
		}
	}
}

// TestClockAndEnvironmentInMain: below main.go nothing asks for the time, the
// environment or the end of the process, and no package begins to work by
// itself. It makes a result depend on nothing but its input.
func TestClockAndEnvironmentInMain(t *testing.T) {
	forbidden := map[string][]string{
		"time": {"Now", "Since", "Until"},
		"os":   {"Getenv", "LookupEnv", "Environ", "Exit", "Args"},
		"log":  {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln"},
	}
	packages := sources(t, "../..")
	for dir := range product {
		for _, file := range packages[dir].files {
			if isMain(file) {
				continue
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && slices.Contains(forbidden[x.Name], n.Sel.Name) {
						t.Errorf("%s uses %s.%s", dir, x.Name, n.Sel.Name)
					}
				case *ast.FuncDecl:
					if n.Recv == nil && n.Name.Name == "init" {
						t.Errorf("%s has an init function", dir)
					}
				}
				return true
			})
		}
	}
}

// isMain reports whether a file holds func main.
func isMain(file *ast.File) bool {
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == "main"
	})
}

// calledOperations are the operations of AWS that the program can call, such as
// s3.GetObject, found by the types of their inputs.
func calledOperations(t *testing.T) []string {
	t.Helper()
	var found []string
	packages := sources(t, "../..")
	for dir := range product {
		for _, file := range packages[dir].files {
			service := map[string]bool{} // names of imported service packages
			for _, i := range file.Imports {
				imported, _ := strconv.Unquote(i.Path.Value)
				if before, name, ok := strings.Cut(imported, "/aws-sdk-go-v2/service/"); ok && before == "github.com/aws" {
					service[path.Base(name)] = true
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := s.X.(*ast.Ident)
				if operation, input := strings.CutSuffix(s.Sel.Name, "Input"); ok && input && service[x.Name] {
					found = append(found, x.Name+"."+operation)
				}
				return true
			})
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
