package host

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
)

// fill gives every field of a struct a value of its own.
func fill(t *testing.T, v reflect.Value, n *int64) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.String:
		v.SetString(string([]byte{0xff, 0, '\n', byte(*n)}))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-*n << 40)
	case reflect.Uint8:
		v.SetUint(uint64(*n))
	case reflect.Uint32:
		v.SetUint(1<<32 - uint64(*n))
	case reflect.Uint64:
		v.SetUint(-uint64(*n))
	default:
		t.Fatalf("a field of kind %s", v.Kind())
	}
}

func TestFrames(t *testing.T) {
	for _, m := range []message{&request{}, &answer{}} {
		var n int64
		same := reflect.New(reflect.TypeOf(m).Elem())
		for _, full := range []bool{false, true} {
			if full {
				fill(t, reflect.ValueOf(m).Elem(), &n)
			}
			var b bytes.Buffer
			if err := send(&b, m); err != nil {
				t.Fatal(err)
			}
			frame := bytes.Clone(b.Bytes())
			if err := receive(&b, same.Interface().(message)); err != nil || !reflect.DeepEqual(m, same.Interface()) {
				t.Errorf("%v: sent\n%+v\nread\n%+v", err, m, same.Interface())
			}
			// One that ends early or lies about a length is no message.
			for cut := range frame {
				got := reflect.New(reflect.TypeOf(m).Elem()).Interface().(message)
				if err := receive(bytes.NewReader(frame[:cut]), got); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%d of %d bytes: %v", cut, len(frame), err)
				}
				short := append([]byte{byte(cut), 0, 0, 0}, frame[4:]...)
				if err := receive(bytes.NewReader(short), got); cut < min(len(frame)-4, 256) && err == nil {
					t.Errorf("a frame of %d bytes was read as one of %d", len(frame)-4, cut)
				}
			}
		}
	}
}
