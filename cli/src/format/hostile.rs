//! Arbitrary and damaged files: readers answer with an error or an array, never with a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

use super::{Values, csv, npy};

/// A valid file of version 1.0 with this dictionary.
fn file(dictionary: &str, numbers: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(dictionary.len() as u16).to_le_bytes());
    bytes.extend_from_slice(dictionary.as_bytes());
    bytes.extend_from_slice(numbers);
    bytes
}

fn read(bytes: &[u8]) -> anyhow::Result<(Values, Option<String>)> {
    npy::read_from(&mut &bytes[..], bytes.len() as u64)
}

fn real(bytes: &[u8]) -> ArrayD<f32> {
    match read(bytes).unwrap().0 {
        Values::Real(array) => array,
        Values::Complex(_) => panic!("complex"),
    }
}

fn complaint(bytes: &[u8]) -> String {
    format!("{:#}", read(bytes).unwrap_err())
}

#[test]
fn every_element_type_is_read() {
    let expected = ArrayD::from_shape_vec(IxDyn(&[3]), vec![1f32, 0.0, 1.0]).unwrap();
    macro_rules! check {
        ($name:literal, $($one:expr, $zero:expr),+) => {$(
            for (order, big) in [("<", false), (">", true), ("|", false)] {
                let descr = format!("{{'descr': '{order}{}', 'fortran_order': False, 'shape': (3,), }}", $name);
                let numbers: Vec<u8> = [$one, $zero, $one].iter().flat_map(|v| if big { v.to_be_bytes() } else { v.to_le_bytes() }).collect();
                if order != "|" || numbers.len() == 3 {
                    assert_eq!(real(&file(&descr, &numbers)), expected, "{order}{}", $name);
                }
            }
        )+};
    }
    check!("f8", 1f64, 0f64);
    check!("f4", 1f32, 0f32);
    check!("i1", 1i8, 0i8);
    check!("i2", 1i16, 0i16);
    check!("i4", 1i32, 0i32);
    check!("i8", 1i64, 0i64);
    check!("u1", 1u8, 0u8);
    check!("u2", 1u16, 0u16);
    check!("u4", 1u32, 0u32);
    check!("u8", 1u64, 0u64);
    check!("b1", 1u8, 0u8);
    check!("f2", 0x3c00u16, 0u16);
    assert_eq!(real(&file("{'descr': '<i2', 'fortran_order': False, 'shape': (1,)}", &(-7i16).to_le_bytes()))[0], -7.0);
}

#[test]
fn both_orders_and_complex_numbers_are_read() {
    let numbers: Vec<u8> = (0..6).flat_map(|v| (v as f32).to_le_bytes()).collect();
    let c = real(&file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", &numbers));
    let f = real(&file("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", &numbers));
    assert_eq!(c[[1, 0]], 3.0);
    assert_eq!(f.t(), c);
    assert!(f.is_standard_layout());
    let z =
        read(&file("{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", &numbers)).unwrap().0.into_complex();
    assert_eq!((z[1].re, z[1].im), (2.0, 3.0));
    assert_eq!(real(&file("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", &numbers)).ndim(), 0);
    assert_eq!(real(&file("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7)}", &[])).shape(), [0, 7]);
}

#[test]
fn damage_is_named() {
    let whole = file("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", &[0; 32]);
    assert_eq!(read(&whole).unwrap().1.as_deref(), Some("float64"));
    assert!(complaint(&whole[..whole.len() - 1]).contains("cut short"));
    assert!(complaint(&whole[..20]).contains("is cut short inside its header"));
    assert!(complaint(b"PK\x03\x04 something else").contains("not a .npy file"));
    assert!(complaint(b"").contains("too short"));
    let mut huge = b"\x93NUMPY\x02\x00".to_vec();
    huge.extend_from_slice(&u32::MAX.to_le_bytes());
    assert!(complaint(&huge).contains("header claims 4294967295 bytes"));
    for shape in [
        "(1000000000000,)",
        "(18446744073709551615, 18446744073709551615)",
        "(4294967296, 4294967296, 0)",
        "(99999999999999999999,)",
    ] {
        let bytes = file(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"), &[0; 4]);
        assert!(read(&bytes).is_err(), "{shape}");
    }
    assert!(
        complaint(&file("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", &[0; 8])).contains("Python objects")
    );
    assert!(
        complaint(&file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", &[0; 4]))
            .contains("records")
    );
    assert!(
        complaint(&file("{'descr': '<U3', 'fortran_order': False, 'shape': (1,)}", &[0; 12])).contains("not supported")
    );
    let big = [1f64, 1e39].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    assert!(
        complaint(&file("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", &big))
            .contains("at index 1 does not fit float32")
    );
    let infinite = f64::INFINITY.to_le_bytes();
    assert_eq!(real(&file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", &infinite))[0], f32::INFINITY);
}

/// Files that are nearly right: valid parts, wrong parts, changed bytes.
fn damaged_npy() -> impl Strategy<Value = Vec<u8>> {
    let descr = prop_oneof![
        Just("'<f4'".to_owned()),
        Just("'>i8'".to_owned()),
        Just("'|b1'".to_owned()),
        Just("'<c16'".to_owned()),
        "'[<>|=]?[a-zA-Z][0-9]{0,20}'",
        ".{0,12}"
    ];
    let shape =
        prop_oneof!["\\([0-9]{1,3}(, ?[0-9]{1,3}){0,3},?\\)", "\\([0-9]{1,20}(, ?[0-9]{1,20}){0,5},?\\)", ".{0,20}"];
    let rest = prop::collection::vec(any::<u8>(), 0..200);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (
        descr,
        prop::sample::select(vec!["False", "True", "Maybe"]),
        shape,
        rest,
        changes,
        any::<prop::sample::Index>(),
        0..10u8,
    )
        .prop_map(|(descr, fortran, shape, rest, changes, cut, whether)| {
            let mut bytes =
                file(&format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"), &rest);
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            if whether == 0 {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10_000) })]

    #[test]
    fn arbitrary_bytes_never_break_the_npy_reader(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = read(&bytes);
        let _ = read(&file(&String::from_utf8_lossy(&bytes), &[]));
    }

    #[test]
    fn damaged_files_never_break_the_npy_reader(bytes in damaged_npy()) {
        if let Ok((values, _)) = read(&bytes) {
            let elements: usize = values.shape().iter().product();
            prop_assert!(elements <= bytes.len());
        }
        let _ = npy::read_f64_from(&mut &bytes[..], bytes.len() as u64);
    }

    #[test]
    fn arbitrary_bytes_never_break_the_csv_reader(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = csv::read_from(&bytes[..]);
    }

    #[test]
    fn arbitrary_tables_never_break_the_csv_reader(text in "([-0-9a-e.,; \t\"#\r\n]|inf|nan){0,120}") {
        let _ = csv::read_from(text.as_bytes());
    }
}
