namespace FieldAgent.Privacy;

/// <summary>Distances on the WGS-84 ellipsoid. Pure; angles in degrees, lengths in metres.</summary>
internal static class Geodesy
{
    private const double SemiMajorM = 6_378_137;
    private const double Flattening = 1 / 298.257223563;
    private const double SemiMinorM = SemiMajorM * (1 - Flattening);
    private const double EccentricitySquared = Flattening * (2 - Flattening);
    private const double MeanRadiusM = 6_371_008.8;

    /// <summary>Length of the geodesic between two places: Vincenty's inverse formula (Survey Review 23, 1975), good to a millimetre.
    /// Where it does not converge, within a degree of the opposite side of the earth, the great circle on the mean sphere, good to 0.6 %.</summary>
    public static double DistanceM(double latitude1, double longitude1, double latitude2, double longitude2)
    {
        var l = double.DegreesToRadians(Wrap(longitude2 - longitude1));
        var (sinU1, cosU1) = Reduced(latitude1);
        var (sinU2, cosU2) = Reduced(latitude2);
        var lambda = l;
        for (var i = 0; i < 100; i++)
        {
            var (sinLambda, cosLambda) = Math.SinCos(lambda);
            var across = cosU2 * sinLambda;
            var along = (cosU1 * sinU2) - (sinU1 * cosU2 * cosLambda);
            var sinSigma = Math.Sqrt((across * across) + (along * along));
            if (sinSigma == 0)
            {
                return 0;
            }

            var cosSigma = (sinU1 * sinU2) + (cosU1 * cosU2 * cosLambda);
            var sigma = Math.Atan2(sinSigma, cosSigma);
            var sinAlpha = cosU1 * cosU2 * sinLambda / sinSigma;
            var cos2Alpha = 1 - (sinAlpha * sinAlpha);
            var cos2SigmaM = cos2Alpha == 0 ? 0 : cosSigma - (2 * sinU1 * sinU2 / cos2Alpha);
            var c = Flattening / 16 * cos2Alpha * (4 + (Flattening * (4 - (3 * cos2Alpha))));
            var before = lambda;
            lambda = l + ((1 - c) * Flattening * sinAlpha
                * (sigma + (c * sinSigma * (cos2SigmaM + (c * cosSigma * (-1 + (2 * cos2SigmaM * cos2SigmaM)))))));
            if (Math.Abs(lambda) > Math.PI)
            {
                break;
            }

            if (Math.Abs(lambda - before) < 1e-12)
            {
                var u2 = cos2Alpha * ((SemiMajorM * SemiMajorM) - (SemiMinorM * SemiMinorM)) / (SemiMinorM * SemiMinorM);
                var a = 1 + (u2 / 16384 * (4096 + (u2 * (-768 + (u2 * (320 - (175 * u2)))))));
                var b = u2 / 1024 * (256 + (u2 * (-128 + (u2 * (74 - (47 * u2))))));
                var delta = b * sinSigma * (cos2SigmaM + (b / 4 * ((cosSigma * (-1 + (2 * cos2SigmaM * cos2SigmaM)))
                    - (b / 6 * cos2SigmaM * (-3 + (4 * sinSigma * sinSigma)) * (-3 + (4 * cos2SigmaM * cos2SigmaM))))));
                return SemiMinorM * a * (sigma - delta);
            }
        }

        return GreatCircleM(latitude1, longitude1, latitude2, longitude2);
    }

    /// <summary>Metres of one degree of latitude and of longitude at <paramref name="latitude"/>.</summary>
    public static (double Latitude, double Longitude) MetresPerDegree(double latitude)
    {
        var (sin, cos) = Math.SinCos(double.DegreesToRadians(latitude));
        var w = 1 - (EccentricitySquared * sin * sin);
        var meridian = SemiMajorM * (1 - EccentricitySquared) / (w * Math.Sqrt(w));
        var parallel = SemiMajorM / Math.Sqrt(w) * cos;
        return (double.DegreesToRadians(meridian), double.DegreesToRadians(parallel));
    }

    /// <summary>A difference of longitudes as −180 to 180.</summary>
    public static double Wrap(double degrees) => degrees - (360 * Math.Round(degrees / 360));

    private static (double Sin, double Cos) Reduced(double latitude)
    {
        var (sin, cos) = Math.SinCos(double.DegreesToRadians(latitude));
        var (y, x) = ((1 - Flattening) * sin, Math.Max(0, cos));
        var length = Math.Sqrt((x * x) + (y * y));
        return (y / length, x / length);
    }

    private static double GreatCircleM(double latitude1, double longitude1, double latitude2, double longitude2)
    {
        var (a, b) = (double.DegreesToRadians(latitude1), double.DegreesToRadians(latitude2));
        var half = Math.Sin(double.DegreesToRadians(Wrap(longitude2 - longitude1)) / 2);
        var sine = Math.Sin((b - a) / 2);
        return 2 * MeanRadiusM * Math.Asin(Math.Min(1, Math.Sqrt((sine * sine) + (Math.Cos(a) * Math.Cos(b) * half * half))));
    }
}
