import Basics
import Crypto
import Glibc

/// Digests of files of a plugin.
enum FileDigest {
  /// Bytes of a file at most.
  private static let maximumBytes = 1_024 * 1_024 * 1_024
  private static let pieceBytes = 256 * 1_024

  /// `sha256:` and the digest in lower-case hexadecimal digits. Blocks.
  static func sha256(ofFile path: String) throws(PluginFault) -> String {
    // To open a FIFO without a writer blocks.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw PluginFault(["\(FileError(path: path, code: errno))"]) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw PluginFault(["\(path) is not a regular file"])
    }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 16)
    defer { piece.deallocate() }
    let (code, hex): (Int32, String)
    do throws(CryptoError) {
      var digest = try Digest(.sha256)
      var (total, count) = (0, 0)
      repeat {
        count = read(descriptor, piece.baseAddress, piece.count)
        if count > 0 { try digest.update(UnsafeRawBufferPointer(rebasing: piece[..<count])) }
        total += max(0, count)
      } while (count > 0 && total <= maximumBytes) || (count < 0 && errno == EINTR)
      code = count < 0 ? errno : total > maximumBytes ? EFBIG : 0
      hex = try digest.hex()
    } catch {
      throw PluginFault(["\(path) cannot be checked: \(error.reason)"])
    }
    guard code == 0 else { throw PluginFault(["\(FileError(path: path, code: code))"]) }
    return "sha256:" + hex
  }
}
