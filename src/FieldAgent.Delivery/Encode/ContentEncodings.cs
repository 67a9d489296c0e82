namespace FieldAgent.Delivery;

/// <summary>Values of the user property <c>content-encoding</c>; the names are HTTP's (RFC 9110, section 8.4.1; RFC 7932).</summary>
internal static class ContentEncodings
{
    /// <summary>Brotli.</summary>
    public const string Brotli = "br";
}
