//! The main picture of an open file: its size first, its pixels where they are wanted.

use super::HeifError;
use super::api::{
    Api, CHANNEL_INTERLEAVED, CHROMA_RGB, CHROMA_RGBA, COLORSPACE_RGB, Handle, Options,
};
use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr::{null, null_mut};

/// What a pixel of a row holds, a byte each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl Channels {
    /// Bytes of a pixel.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Channels::Rgb => 3,
            Channels::Rgba => 4,
        }
    }
}

/// A file, open at its main picture.
#[derive(Debug)]
pub struct Picture<'b> {
    api: &'static Api,
    /// Reads the bytes until it is freed.
    context: Handle,
    handle: Handle,
    bytes: PhantomData<&'b [u8]>,
}

#[expect(unsafe_code, reason = "calls into C")]
impl<'b> Picture<'b> {
    pub(super) fn open(
        api: &'static Api,
        bytes: &'b [u8],
        side_max: u32,
    ) -> Result<Picture<'b>, HeifError> {
        // SAFETY: takes nothing; the new context is this value's alone.
        let context = unsafe { (api.new_context)() };
        if context.is_null() {
            return Err(HeifError::Memory("no memory for a context".to_owned()));
        }
        // From here on dropping it frees the context.
        let mut picture = Picture { api, context, handle: null_mut(), bytes: PhantomData };
        // An executor has one slot's work to do.
        // SAFETY: the context lives.
        unsafe { (api.set_thread_count)(context, 0) };
        picture.believe(side_max);
        // SAFETY: the context lives, and the bytes live longer; they are only read.
        unsafe { (api.read)(context, bytes.as_ptr().cast(), bytes.len(), null()) }.into_result()?;
        // SAFETY: the context lives, and so does the place for the handle.
        unsafe { (api.main_picture)(context, &raw mut picture.handle) }.into_result()?;
        if picture.handle.is_null() {
            return Err(HeifError::Damaged("it has no main picture".to_owned()));
        }
        Ok(picture)
    }

    /// Refuses what is larger on a side, also what only shows while it is decoded.
    fn believe(&mut self, side_max: u32) {
        // Where tiles are put together, a side must be smaller than this.
        let side_max = c_int::try_from(side_max.saturating_add(1)).unwrap_or(c_int::MAX);
        // SAFETY: the context lives.
        unsafe { (self.api.set_side_max)(self.context, side_max) };
    }

    /// Pixels of a row, turned and cropped as the file says.
    #[must_use]
    pub fn width(&self) -> u32 {
        // SAFETY: the handle lives as long as this value, and the context longer.
        u32::try_from(unsafe { (self.api.width)(self.handle) }).unwrap_or(0)
    }

    /// Rows, turned and cropped as the file says.
    #[must_use]
    pub fn height(&self) -> u32 {
        // SAFETY: as above.
        u32::try_from(unsafe { (self.api.height)(self.handle) }).unwrap_or(0)
    }

    /// Width and height of what is decoded, before it is cropped and turned.
    #[must_use]
    pub fn stored_size(&self) -> (u32, u32) {
        // SAFETY: as above.
        let (width, height) = unsafe {
            ((self.api.stored_width)(self.handle), (self.api.stored_height)(self.handle))
        };
        (u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0))
    }

    /// Bits of a sample: 8, 10 or 12. 0 where the file does not say.
    #[must_use]
    pub fn bit_depth(&self) -> u32 {
        // SAFETY: as above.
        u32::try_from(unsafe { (self.api.bit_depth)(self.handle) }).unwrap_or(0)
    }

    /// Whether pixels may be transparent.
    #[must_use]
    pub fn has_alpha(&self) -> bool {
        // SAFETY: as above.
        unsafe { (self.api.has_alpha)(self.handle) != 0 }
    }

    /// Whether the colours of transparent pixels are darker by as much as they are transparent.
    #[must_use]
    pub fn is_premultiplied(&self) -> bool {
        // SAFETY: as above.
        unsafe { (self.api.is_premultiplied)(self.handle) != 0 }
    }

    /// Pictures of the file that stand for themselves, the main one among them.
    #[must_use]
    pub fn picture_count(&self) -> u32 {
        // SAFETY: the context lives as long as this value.
        u32::try_from(unsafe { (self.api.picture_count)(self.context) }).unwrap_or(0)
    }

    /// Decodes, and hands each row to `each`, from the top: a pixel behind the other, 8 bits a
    /// channel.
    ///
    /// # Errors
    /// The file is damaged, a decoder is missing, or the picture is not as large as it says.
    pub fn rows(
        &mut self,
        channels: Channels,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), HeifError> {
        let (width, height) = (self.width(), self.height());
        // Parts of it may claim more than the whole.
        let (stored_width, stored_height) = self.stored_size();
        self.believe(stored_width.max(stored_height));
        let image = self.decoded(channels)?;
        let row_bytes = width as usize * channels.count();
        let mut stride = 0;
        // SAFETY: the image lives; the functions read numbers of it.
        let (told, plane) = unsafe {
            let told = (
                (self.api.image_width)(image.handle, CHANNEL_INTERLEAVED),
                (self.api.image_height)(image.handle, CHANNEL_INTERLEAVED),
                (self.api.image_bits)(image.handle, CHANNEL_INTERLEAVED),
            );
            (told, (self.api.plane)(image.handle, CHANNEL_INTERLEAVED, &raw mut stride))
        };
        let bits = channels.count() * 8;
        let is_as_told = told.0 == width.cast_signed()
            && told.1 == height.cast_signed()
            && usize::try_from(told.2) == Ok(bits);
        let stride = usize::try_from(stride).unwrap_or(0);
        if !is_as_told || plane.is_null() || stride < row_bytes {
            let (told_width, told_height, _) = told;
            return Err(HeifError::Damaged(format!(
                "it says {width} x {height} pixels and holds {told_width} x {told_height}"
            )));
        }
        for row in 0..height as usize {
            // SAFETY: the plane has `height` rows of `stride` bytes, of which the first `row_bytes`
            // are pixels, and lives as long as the image.
            each(unsafe { std::slice::from_raw_parts(plane.add(row * stride), row_bytes) });
        }
        Ok(())
    }

    fn decoded(&self, channels: Channels) -> Result<Image, HeifError> {
        let chroma = match channels {
            Channels::Rgb => CHROMA_RGB,
            Channels::Rgba => CHROMA_RGBA,
        };
        let options = Settings::new(self.api)?;
        let mut image = Image { api: self.api, handle: null_mut() };
        // SAFETY: handle and options live, and so does the place for the image.
        unsafe {
            let place = &raw mut image.handle;
            (self.api.decode)(self.handle, place, COLORSPACE_RGB, chroma, options.options)
        }
        .into_result()?;
        if image.handle.is_null() {
            return Err(HeifError::Damaged("no pixels came of it".to_owned()));
        }
        Ok(image)
    }
}

#[expect(unsafe_code, reason = "calls into C")]
impl Drop for Picture<'_> {
    fn drop(&mut self) {
        // SAFETY: both live until here, nothing else knows them, and the handle goes first; a null
        // one is nothing to release.
        unsafe {
            (self.api.release_handle)(self.handle);
            (self.api.free_context)(self.context);
        }
    }
}

/// Decoded pixels.
struct Image {
    api: &'static Api,
    handle: Handle,
}

#[expect(unsafe_code, reason = "a call into C")]
impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: it lives until here, and nothing else knows it; a null one is nothing to release.
        unsafe { (self.api.release_image)(self.handle) };
    }
}

/// How it is decoded.
struct Settings {
    api: &'static Api,
    options: *mut Options,
}

#[expect(unsafe_code, reason = "calls into C")]
impl Settings {
    fn new(api: &'static Api) -> Result<Settings, HeifError> {
        // SAFETY: takes nothing; the new options are this value's alone.
        let options = unsafe { (api.new_options)() };
        if options.is_null() {
            return Err(HeifError::Memory("no memory for its options".to_owned()));
        }
        // SAFETY: not null; a field is there from the version on that brought it.
        unsafe {
            if (*options).version >= 2 {
                (*options).convert_to_8_bits = 1;
            }
            if (*options).version >= 3 {
                (*options).is_strict = 1;
            }
        }
        Ok(Settings { api, options })
    }
}

#[expect(unsafe_code, reason = "a call into C")]
impl Drop for Settings {
    fn drop(&mut self) {
        // SAFETY: they live until here, and nothing else knows them.
        unsafe { (self.api.free_options)(self.options) };
    }
}
