use super::*;
use crate::value;
use crate::value::int;
use crate::value::list;

/// Bodies that a stock hub was sent, and what it made of them: `refused`, `impossible` (read, but
/// never answered), `params` (types and values), or none of these (some call could be made).
const RECORDED: &str = include_str!("recorded.json");

#[test]
fn bodies_mean_what_they_mean_to_a_stock_hub() {
    let steps: Vec<serde_json::Value> = serde_json::from_str(RECORDED).unwrap();
    assert!(steps.len() > 100);
    for step in &steps {
        let label = step["label"].as_str().unwrap();
        let body = match step["text"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => unhex(step["hex"].as_str().unwrap()),
        };
        let call = read_call(&body);
        if step["refused"].is_boolean() {
            assert!(matches!(call, Err(ReadError::Malformed { .. })), "{label}: {call:?}");
        } else if step["impossible"].is_boolean() {
            assert!(matches!(call, Err(ReadError::Value { .. })), "{label}: {call:?}");
        } else {
            let call = call.unwrap_or_else(|e| panic!("{label}: {e}"));
            if let Some(expected) = step["params"].as_array() {
                let got: Vec<_> = call.params.iter().map(typed).collect();
                assert_eq!(&got, expected, "{label}");
            }
        }
    }
}

/// A value with its XML-RPC type, as the recording notes it.
fn typed(value: &Value) -> serde_json::Value {
    use serde_json::json;
    match value {
        Value::Integer(n) => json!(["int", n]),
        Value::Long(n) => json!(["i8", n]),
        Value::Boolean(b) => json!(["boolean", if *b { "1" } else { "0" }]),
        Value::Double(x) => json!(["double", x]),
        Value::String(s) => json!(["string", s]),
        Value::DateTime(t) => json!(["dateTime.iso8601", t.to_string()]),
        Value::Base64(_) => json!(["base64", crate::json::to_json(value)]),
        Value::Array(items) => json!(["array", items.iter().map(typed).collect::<Vec<_>>()]),
        Value::Struct(members) => {
            let members = members.iter().map(|(name, v)| (name.clone(), typed(v)));
            json!(["struct", serde_json::Value::Object(members.collect())])
        }
        _ => json!(["nil", null]),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

fn read_one(value: &str) -> Result<Value, ReadError> {
    let body = format!("<methodCall><methodName>m</methodName><params><param>{value}</param></params></methodCall>");
    read_call(body.as_bytes()).map(|call| call.params.into_iter().next().unwrap())
}

#[test]
fn forms_that_only_some_clients_send() {
    for (xml, value) in [
        ("<value><i1>5</i1></value>", value!(5)),
        ("<value><i2> +7 </i2></value>", value!(7)),
        ("<value><biginteger>007</biginteger></value>", value!(7)),
        ("<value><int>-0</int></value>", value!(0)),
        ("<value><ex:i8>5</ex:i8></value>", value!(5)),
        ("<value><float>1e3</float></value>", value!(1000.0)),
        ("<value><double>1e999</double></value>", value!(f64::INFINITY)),
        ("<value><array/></value>", value!([])),
        ("<value>a<!-- b -->c&#x64;<![CDATA[&]]></value>", value!("acd&")),
        ("<value>\r\n<struct>\n</struct>\t</value>", value!({})),
    ] {
        assert_eq!(read_one(xml), Ok(value), "{xml}");
    }
    for date in ["20200131T01:02:03", " 2020-01-31T01:02:03Z\n", "2020-01-31 01:02:03.123456", "2020-01-31T01:02:03"] {
        let value = read_one(&format!("<value><dateTime.iso8601>{date}</dateTime.iso8601></value>"));
        let Ok(Value::DateTime(read)) = value else { panic!("{date}: {value:?}") };
        assert_eq!(read.to_string(), "20200131T01:02:03");
    }
    for none in ["20200230T01:02:03", "2020-0131T01:02:03", "x\u{e9}\u{e9}\u{e9}Tyy:zz:00", ""] {
        let value = read_one(&format!("<value><dateTime.iso8601>{none}</dateTime.iso8601></value>"));
        assert_eq!(value, Ok(value!(none)), "what is no date is text");
    }
}

#[test]
fn values_that_are_none() {
    for xml in [
        "<value><nil>x</nil></value>",
        "<value>x<int>5</int></value>",
        "<value><int>5</int><int>6</int></value>",
        "<value><int>5<b/></int></value>",
        "<value><int>5_0</int></value>",
        "<value><int>\u{665}</int></value>",
        "<value><struct><member><name>a</name></member></struct></value>",
        "<value><struct><member><value>1</value></member></struct></value>",
        "<value><struct>x</struct></value>",
        "<value><array><value>x</value></array></value>",
        "<value><array><data/><data/></array></value>",
        "<value><string a=b>x</string></value>",
        "<value>&nosuch;</value>",
        "<value>\u{FFFE}</value>",
        "<value>&#xFFFF;</value>",
    ] {
        let read = read_one(xml);
        assert!(matches!(read, Err(ReadError::Malformed { .. })), "{xml}: {read:?}");
    }
}

#[test]
fn declared_encodings_are_believed_if_they_can_be_true() {
    let call = |encoding: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"{encoding}\"?><methodCall><methodName>m</methodName>\
             <params><param><value>na\u{ef}ve</value></param></params></methodCall>"
        )
    };
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| {
        format!("\u{FEFF}{}", call("utf-16")).encode_utf16().flat_map(bytes).collect::<Vec<_>>()
    };
    for body in [utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes), call("utf8").into_bytes()] {
        assert_eq!(read_call(&body).unwrap().params, [value!("na\u{ef}ve")]);
    }
    // An encoding that the bytes of the declaration already contradict; one that ASCII hides in.
    for encoding in ["utf-16", "utf-16le", "iso-2022-jp", "utf-7", ""] {
        assert!(read_call(call(encoding).as_bytes()).is_err(), "{encoding}");
    }
    // Stored text is text, whatever it says.
    assert_eq!(read_call_text(&call("utf-16")).unwrap().params, [value!("na\u{ef}ve")]);
}

#[test]
fn nesting_is_bounded() {
    let arrays =
        |n: usize| read_one(&("<value><array><data>".repeat(n) + "<value/>" + &"</data></array></value>".repeat(n)));
    assert!(arrays(MAX_DEPTH).is_ok());
    assert!(arrays(MAX_DEPTH + 1).is_err());
    assert!(arrays(100_000).is_err());
    for endless in ["<value><array><data>", "<value><struct><member><name>a</name>", "<a>", "<!--", "<"] {
        assert!(read_one(&endless.repeat(100_000)).is_err(), "{endless}");
        assert!(read_call(endless.repeat(100_000).as_bytes()).is_err(), "{endless}");
    }
    let attributes = |n| (0..n).map(|i| format!(" a{i}=''")).collect::<String>();
    assert!(read_one(&format!("<value{}/>", attributes(20))).is_ok());
    assert!(read_one(&format!("<value{}/>", attributes(200_000))).is_err());
}

#[test]
fn bare_parameters_are_a_call_without_a_method() {
    let call = read_call(b"<params><param><value><int>1</int></value></param></params>").expect("a call");
    assert_eq!((call.method.as_str(), call.params), ("", vec![Value::Integer(1)]));
    assert!(read_call(b"<params/>x").is_err());
}

#[test]
fn hostile_doctypes_are_refused_and_bodies_never_shown() {
    let call = "<methodCall><methodName>m</methodName></methodCall>";
    assert!(read_call(format!("<!DOCTYPE methodCall>{call}").as_bytes()).is_ok());
    for (before, after) in [
        ("<!DOCTYPE methodCall [<!ENTITY secret 'x'>]>", ""),
        ("", "<!DOCTYPE secret>"),
        ("<secret/>", ""),
        ("secret", ""),
        ("", "secret"),
        ("", "&secret;"),
        ("<secret>", ""),
        ("<!secret>", ""),
    ] {
        let error = read_call(format!("{before}{call}{after}").as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn written_as_stock_peers_write() {
    let value = value!({ "a<b": value!([1, 1_i64 << 31, Value::Nil, true]), "c": 1.0 });
    assert_eq!(
        write_response(&value),
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n\
         <member>\n<name>a&lt;b</name>\n<value><array><data>\n<value><int>1</int></value>\n\
         <value><i8>2147483648</i8></value>\n<value><nil/></value>\n\
         <value><boolean>1</boolean></value>\n</data></array></value>\n</member>\n\
         <member>\n<name>c</name>\n<value><double>1.0</double></value>\n</member>\n\
         </struct></value>\n</param>\n</params>\n</methodResponse>\n"
    );
    assert!(write_response(&Value::Long(5)).contains("<int>5</int>"));
    assert_eq!(
        write_call("a&b", &[]),
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>a&amp;b</methodName>\n<params>\n</params>\n\
         </methodCall>\n"
    );
}

#[test]
fn what_xml_cannot_carry_is_replaced() {
    let text = "a\u{0}\u{1b}b\u{FFFE}\u{FFFF}\u{FFFD}\u{FB01}\r\n\t\u{7f}\u{85}\u{1F600}<&>]]>";
    let read = read_response(write_response(&value!(text)).as_bytes()).unwrap().unwrap();
    let expected = "a\u{FFFD}\u{FFFD}b\u{FFFD}\u{FFFD}\u{FFFD}\u{FB01}\r\n\t\u{7f}\u{85}\u{1F600}<&>]]>";
    assert_eq!(read, value!(expected));
}

#[test]
fn faults_come_back() {
    let fault = read_response(write_fault(1004, "no <rights>").as_bytes()).unwrap().unwrap_err();
    assert_eq!((fault.code(), fault.string()), (1004, "no <rights>"));
    for bad in ["<int>5</int>", "<struct/>", "x"] {
        let body = format!("<methodResponse><fault><value>{bad}</value></fault></methodResponse>");
        assert!(read_response(body.as_bytes()).is_err(), "{bad}");
    }
    for bad in ["", "<params/>", "<params><param><value/></param><param><value/></param></params>"] {
        assert!(read_response(format!("<methodResponse>{bad}</methodResponse>").as_bytes()).is_err());
    }
}

#[test]
fn doubles_look_like_pythons() {
    for (x, text) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (7.0, "7.0"),
        (0.1, "0.1"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-1.25e-7, "-1.25e-07"),
        (f64::NAN, "nan"),
        (f64::NEG_INFINITY, "-inf"),
        (1_700_000_000.123_456, "1700000000.123456"),
    ] {
        assert_eq!(python_float(x), text);
    }
}

/// Pseudo-random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn text(&mut self) -> String {
        const CHARS: [char; 12] = ['a', ' ', '<', '&', '>', '"', '\r', '\n', '\t', '\u{e9}', '\u{1F600}', ']'];
        (0..self.roll(9)).map(|_| CHARS[self.roll(12) as usize]).collect()
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.roll(if depth > 0 { 10 } else { 8 }) {
            0 => Value::Nil,
            1 => Value::Boolean(self.roll(2) == 1),
            2 => int(self.roll(1 << 31) as i64 * (self.roll(5) as i64 - 2)),
            3 => Value::Double(self.roll(1 << 31) as f64 / 7.0 * 10f64.powi(self.roll(60) as i32 - 30)),
            4 => Value::Base64((0..self.roll(200)).map(|_| self.roll(256) as u8).collect()),
            5 => Value::DateTime("20240229T23:59:59".parse().unwrap()),
            6 | 7 => Value::String(self.text()),
            8 => list((0..self.roll(5)).map(|_| self.value(depth - 1)).collect::<Vec<_>>()),
            _ => {
                let members = (0..self.roll(5)).map(|_| (self.text(), self.value(depth - 1)));
                Value::Struct(members.collect())
            }
        }
    }
}

#[test]
fn what_is_written_is_read() {
    let mut dice = Dice(7);
    for _ in 0..2000 {
        let value = dice.value(4);
        let response = write_response(&value);
        assert_eq!(read_response(response.as_bytes()), Ok(Ok(value.clone())), "{response}");
        let call = MethodCall { method: "m".into(), params: vec![value.clone(), value.clone()] };
        assert_eq!(read_call(write_call("m", &call.params).as_bytes()), Ok(call));
        let chunks: Vec<u8> = ResponseChunks::new(value).flatten().collect();
        assert_eq!(String::from_utf8(chunks).unwrap(), response);
    }
}

#[test]
fn broken_documents_never_panic() {
    let mut dice = Dice(11);
    for _ in 0..3000 {
        let mut body = write_call(&dice.text(), &[dice.value(3), dice.value(3)]).into_bytes();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(body.len() as u64) as usize;
            match dice.roll(4) {
                0 => body.truncate(at),
                1 => body[at] = dice.roll(256) as u8,
                2 => drop(body.remove(at)),
                _ => body.insert(at, b"<>&/![]?"[dice.roll(8) as usize]),
            }
            if body.is_empty() {
                break;
            }
        }
        // What survives is still a value that can be written and read again.
        if let Ok(call) = read_call(&body) {
            let again = write_call(&call.method, &call.params);
            let again = read_call(again.as_bytes()).unwrap();
            assert_eq!(format!("{:?}", again.params), format!("{:?}", call.params));
        }
        let _ = read_response(&body);
    }
}

#[test]
fn large_answers_come_in_pieces() {
    let rows = (0..5000).map(|i| value!({ "id": i, "name": format!("package-{i}") }));
    let value = list(rows.collect::<Vec<_>>());
    let whole = write_response(&value);
    let chunks: Vec<_> = ResponseChunks::new(value).collect();
    assert!(chunks.len() > 5);
    assert!(chunks.iter().all(|c| c.len() < 70_000));
    assert_eq!(String::from_utf8(chunks.concat()).unwrap(), whole);
    fn sendable(_: impl Send + 'static) {}
    sendable(ResponseChunks::new(Value::Nil));
}
