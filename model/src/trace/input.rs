//! Where the bytes of a trace come from: a file, as it was written or compressed, or the standard
//! input. What compressed it is told by the first bytes, not by the name.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

#[cfg(feature = "check")]
pub(super) use self::unpacked::STDIN;

/// The bytes of a trace, from the first.
pub(super) struct Input {
    pub(super) bytes: Box<dyn Read + Send>,
    /// How many there are now; of what is compressed, more than there are.
    pub(super) length: u64,
}

/// Opens it. `None` if it is no file: a pipe could be waited on for ever, and is read only once.
pub(super) fn open(path: &Path) -> io::Result<Option<Input>> {
    #[cfg(feature = "check")]
    if path == Path::new(STDIN) {
        return unpacked::stdin().and_then(unpacked::input).map(Some);
    }
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Ok(None);
    }
    input(File::open(path)?).map(Some)
}

#[cfg(feature = "check")]
use self::unpacked::input;

/// The node reads only what it wrote itself.
#[cfg(not(feature = "check"))]
fn input(file: File) -> io::Result<Input> {
    let length = file.metadata()?.len();
    Ok(Input { bytes: Box::new(file), length })
}

#[cfg(feature = "check")]
mod unpacked {
    use std::fs::File;
    use std::io::{self, BufRead as _, BufReader, Read};
    use std::os::unix::fs::FileExt as _;
    use std::sync::OnceLock;

    use flate2::bufread::MultiGzDecoder;
    use ruzstd::decoding::StreamingDecoder;

    use super::Input;

    /// The name of the standard input among files.
    pub(in crate::trace) const STDIN: &str = "-";

    /// What came from standard input, which gives it once and is read several times.
    pub(super) fn stdin() -> io::Result<File> {
        static KEPT: OnceLock<File> = OnceLock::new();
        if let Some(kept) = KEPT.get() {
            return kept.try_clone();
        }
        let mut file = tempfile::tempfile()?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        KEPT.get_or_init(|| file).try_clone()
    }

    /// Reads from the first byte of this file, whoever else does.
    pub(super) fn input(file: File) -> io::Result<Input> {
        let mut magic = Vec::new();
        FromStart { file: file.try_clone()?, at: 0 }.take(4).read_to_end(&mut magic)?;
        let length = file.metadata()?.len();
        let bytes = FromStart { file, at: 0 };
        Ok(match magic[..] {
            [0x1f, 0x8b, ..] => {
                let bytes = MultiGzDecoder::new(BufReader::new(bytes));
                Input { bytes: Box::new(bytes), length: u64::MAX }
            }
            [0x28, 0xb5, 0x2f, 0xfd] => {
                let bytes = Frames(Frame::Between(BufReader::new(bytes)));
                Input { bytes: Box::new(bytes), length: u64::MAX }
            }
            _ => Input { bytes: Box::new(bytes), length },
        })
    }

    struct FromStart {
        file: File,
        at: u64,
    }

    impl Read for FromStart {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.file.read_at(buffer, self.at)?;
            self.at += length as u64;
            Ok(length)
        }
    }

    type Packed = BufReader<FromStart>;

    /// What zstd compressed: frames, one after the other.
    struct Frames(Frame);

    enum Frame {
        Between(Packed),
        Within(Box<StreamingDecoder<Packed, ruzstd::decoding::FrameDecoder>>),
        Damaged,
    }

    impl Read for Frames {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            loop {
                match std::mem::replace(&mut self.0, Frame::Damaged) {
                    Frame::Between(mut packed) => {
                        if packed.fill_buf()?.is_empty() {
                            self.0 = Frame::Between(packed);
                            return Ok(0);
                        }
                        let frame = StreamingDecoder::new(packed).map_err(io::Error::other)?;
                        self.0 = Frame::Within(Box::new(frame));
                    }
                    Frame::Within(mut frame) => match frame.read(buffer)? {
                        0 if !buffer.is_empty() => self.0 = Frame::Between(frame.into_inner()),
                        length => {
                            self.0 = Frame::Within(frame);
                            return Ok(length);
                        }
                    },
                    Frame::Damaged => return Err(io::Error::other("the frame is damaged")),
                }
            }
        }
    }
}
