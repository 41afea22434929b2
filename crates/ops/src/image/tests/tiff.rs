//! TIFFs byte by byte: samples, palettes, planes, damage.

use super::*;
use tiff::encoder::{TiffEncoder, colortype};

fn decoded(bytes: &[u8], wanted: Layout) -> Decoded {
    super::decode(bytes, wanted).expect("decoded")
}

#[test]
fn grey_and_colours_of_8_and_16_bits_are_read() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a file");
    encoder.write_image::<colortype::RGB8>(2, 1, &[255, 0, 0, 0, 0, 255]).expect("a page");
    let colours = decoded(bytes.get_ref(), Layout::Rgba);
    assert_eq!(colours.picture.bytes, [255, 0, 0, 0, 0, 255]);
    assert_eq!((colours.mode, colours.more), ("RGB", More::None));
    let grey = decoded(bytes.get_ref(), Layout::Grey);
    assert_eq!(grey.picture.bytes, [76, 29]);

    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a file");
    encoder.write_image::<colortype::Gray16>(2, 2, &[0, 256, 0x1234, 0xffff]).expect("a page");
    encoder.write_image::<colortype::Gray8>(1, 1, &[9]).expect("another page");
    let first = decoded(bytes.get_ref(), Layout::Rgba);
    assert_eq!(first.picture.bytes, [0, 1, 0x12, 0xff]);
    assert_eq!((first.mode, first.more), ("I;16", More::Pages));
    let mut pages = Pages::open(bytes.get_ref()).expect("pages");
    pages.next().expect("a second page");
    assert_eq!(pages.decode(Layout::Grey).expect("decoded").picture.bytes, [9]);
    assert!(!pages.has_more());
}

#[test]
fn a_field_of_endless_length_takes_no_memory() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a file");
    encoder.write_image::<colortype::Gray8>(1, 1, &[9]).expect("a page");
    let mut bytes = bytes.into_inner();
    // The encoder's files are of this machine's byte order: kind, type, count.
    let field = [Tag::XResolution.to_u16().to_ne_bytes(), 5_u16.to_ne_bytes()].concat();
    let at = bytes.windows(4).position(|it| it == field).expect("its resolution is told");
    bytes[at + 4..at + 8].fill(0xFF);
    let page = decoded(&bytes, Layout::Grey);
    assert_eq!((page.picture.bytes, page.dpi), (vec![9], None));
}

/// Two pixels of 16 bits: a piece for all reds, one for all greens, one for all blues. `pieces`
/// says what holds their places and lengths, and what else is told of them.
fn apart(pieces: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let samples: [u16; 6] = [0xFF00, 0, 0, 0xFF00, 0x8000, 0x4000];
    let mut bytes = b"II*\0".to_vec();
    // Behind the head: the samples, three depths, three places, three lengths, the fields.
    bytes.extend(50_u32.to_le_bytes());
    samples.iter().chain(&[16; 3]).for_each(|it| bytes.extend(it.to_le_bytes()));
    [8, 12, 16_u32, 4, 4, 4].iter().for_each(|it| bytes.extend(it.to_le_bytes()));
    let mut fields = vec![
        (256, 4, 1, 2),
        (257, 4, 1, 1),
        (258, 3, 3, 20),
        (259, 4, 1, 1),
        (262, 4, 1, 2),
        (277, 4, 1, 3),
        (284, 4, 1, 2),
    ];
    fields.extend_from_slice(pieces);
    fields.sort_unstable();
    bytes.extend((fields.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        bytes.extend([tag, kind].map(u16::to_le_bytes).concat());
        bytes.extend([count, value].map(u32::to_le_bytes).concat());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn colours_that_lie_apart_are_brought_together() {
    let strips = apart(&[(273, 4, 3, 26), (278, 4, 1, 1), (279, 4, 3, 38)]);
    let page = decoded(&strips, Layout::Rgb);
    assert_eq!(page.picture.bytes, [0xFF, 0, 0x80, 0, 0xFF, 0x40]);
    // The library stops there.
    let tiles = apart(&[(322, 4, 1, 16), (323, 4, 1, 16), (324, 4, 3, 26), (325, 4, 3, 38)]);
    let refused = super::decode(&tiles, Layout::Rgb).err().map(|failure| failure.code);
    assert_eq!(refused.as_deref(), Some("image_unsupported"));
}

#[test]
fn palettes_give_their_colours() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a file");
    let mut page = encoder.new_image::<colortype::Gray8>(2, 1).expect("a page");
    let directory = page.encoder();
    // Red, green and blue of the colours 0 and 1, and black.
    let mut map = vec![0_u16; 768];
    (map[0], map[257], map[512]) = (0xff00, 0x8000, 0x1000);
    directory.write_tag(Tag::ColorMap, map.as_slice()).expect("a field");
    directory.write_tag(Tag::PhotometricInterpretation, 3_u16).expect("a field");
    page.write_data(&[0, 1]).expect("a page");
    let colours = decoded(bytes.get_ref(), Layout::Rgba);
    assert_eq!(colours.picture.bytes, [255, 0, 16, 0, 128, 0]);
    assert_eq!(colours.mode, "P");
    assert_eq!(decoded(bytes.get_ref(), Layout::Grey).picture.bytes, [78, 75]);
}

#[test]
fn a_palette_with_other_samples_beside_it_is_refused() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a file");
    let mut page = encoder.new_image::<colortype::Gray8>(2, 1).expect("a page");
    let directory = page.encoder();
    directory.write_tag(Tag::PhotometricInterpretation, 3_u16).expect("a field");
    directory.write_tag(Tag::ColorMap, [0_u16; 768].as_slice()).expect("a field");
    directory.write_tag(Tag::SamplesPerPixel, 2_u16).expect("a field");
    directory.write_tag(Tag::BitsPerSample, [8_u16, 8].as_slice()).expect("a field");
    page.write_data(&[0, 1]).expect("a page");
    let failure = super::decode(bytes.get_ref(), Layout::Rgba).err().expect("refused");
    assert_eq!(failure.code, "image_unsupported", "{failure:?}");
}

#[test]
fn few_bits_are_spread_and_differences_of_colour_are_undone() {
    let mut to = [0; 5];
    unpack(&[0b1010_0000], 1, &mut to);
    assert_eq!(to, [255, 0, 255, 0, 0]);
    unpack(&[0b0001_1011, 0b1100_0000], 2, &mut to);
    assert_eq!(to, [0, 85, 170, 255, 255]);
    unpack(&[0x0f, 0x80, 0x10], 4, &mut to);
    assert_eq!(to, [0, 255, 136, 0, 17]);
    // Grey, and the red and blue of BT.601, within a step.
    assert_eq!(ycc_to_rgb(vec![128, 128, 128]), [128, 128, 128]);
    assert_eq!(ycc_to_rgb(vec![76, 85, 255]), [254, 0, 0]);
    assert_eq!(ycc_to_rgb(vec![29, 255, 107]), [0, 0, 254]);
}

#[test]
fn what_is_cut_off_or_a_loop_is_damage() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a file");
    encoder.write_image::<colortype::Gray8>(8, 8, &[7; 64]).expect("a page");
    let bytes = bytes.into_inner();
    for end in 0..bytes.len() - 1 {
        if let Err(failure) = super::decode(&bytes[..end], Layout::Grey) {
            let is_told = matches!(failure.code.as_str(), "image_damaged" | "image_unsupported");
            assert!(is_told, "{end}: {}", failure.code);
        }
    }
    assert!(super::decode(&bytes[..bytes.len() / 2], Layout::Grey).is_err());
}
