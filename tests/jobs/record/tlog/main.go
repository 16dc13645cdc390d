// Command tlog holds an export of the log, and proofs made by the record, against the code of the Go
// checksum database (golang.org/x/mod/sumdb), which knows nothing of Shuyu.
//
//	tlog VKEY FOLDER PROOFS.json
package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type proofs struct {
	Inclusion []struct {
		Seq    int64
		Hashes tlog.RecordProof
	}
	Consistency []struct {
		Old    int64
		Root   tlog.Hash
		Hashes tlog.TreeProof
	}
}

// folder reads tiles where C2SP puts them: the checksum database has the height in their paths, and
// keeps its entries under another name.
type folder string

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := f.read(tile)
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	return os.ReadFile(filepath.Join(string(f), path))
}

func (f folder) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for start := int64(0); start < size; start += 1 << height {
		width := int(min(size-start, 1<<height))
		bundle, err := f.read(tlog.Tile{H: height, L: -1, N: start >> height, W: width})
		if err != nil {
			return nil, err
		}
		for len(bundle) >= 2 {
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			if len(bundle) < end {
				break
			}
			found, bundle = append(found, bundle[2:end]), bundle[end:]
		}
		if len(bundle) != 0 {
			return nil, errors.New("a bundle ends inside an entry")
		}
	}
	if int64(len(found)) != size {
		return nil, errors.New("the bundles do not hold every entry")
	}
	return found, nil
}

func opened(vkey string, f folder) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tree, err
	}
	signed, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	if err != nil {
		return tree, err
	}
	checked, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	var origin, root string
	if _, err = fmt.Sscanf(checked.Text, "%s\n%d\n%s\n", &origin, &tree.N, &root); err != nil {
		return tree, err
	}
	if origin != verifier.Name() {
		return tree, errors.New("the checkpoint is of another log")
	}
	tree.Hash, err = tlog.ParseHash(root)
	return tree, err
}

func check(vkey string, f folder, given proofs) error {
	tree, err := opened(vkey, f)
	if err != nil {
		return err
	}
	entries, err := f.entries(tree.N)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, f)
	for seq, entry := range entries {
		path, err := tlog.ProveRecord(tree.N, int64(seq), reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(path, tree.N, tree.Hash, int64(seq), tlog.RecordHash(entry)); err != nil {
			return err
		}
	}
	for _, p := range given.Inclusion {
		if err := tlog.CheckRecord(p.Hashes, tree.N, tree.Hash, p.Seq, tlog.RecordHash(entries[p.Seq])); err != nil {
			return err
		}
	}
	for _, p := range given.Consistency {
		root, err := tlog.TreeHash(p.Old, reader)
		if err != nil {
			return err
		}
		if root != p.Root {
			return errors.New("an earlier root is not that of the tiles")
		}
		if err := tlog.CheckTree(p.Hashes, tree.N, tree.Hash, p.Old, p.Root); err != nil {
			return err
		}
	}
	fmt.Println(tree.N, tree.Hash)
	return nil
}

func main() {
	var given proofs
	text, err := os.ReadFile(os.Args[3])
	if err == nil {
		err = json.Unmarshal(text, &given)
	}
	if err == nil {
		err = check(os.Args[1], folder(os.Args[2]), given)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
